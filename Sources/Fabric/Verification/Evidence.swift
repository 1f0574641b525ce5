/// What a control message said of an envelope before it came; all of it optional, none of it believed.
public struct Announcement: Sendable, Equatable {
    /// The SHA-256 of the sealed file.
    public var fileDigest: Digest?
    /// The digest of the content, as the manifest's `content_digest` (`cep.md`, section 6.2).
    public var contentDigest: Digest?

    /// An announcement of these digests; each nil where none was announced.
    public init(fileDigest: Digest? = nil, contentDigest: Digest? = nil) {
        self.fileDigest = fileDigest
        self.contentDigest = contentDigest
    }
}

/// Evidence for `present`: the whole file is here.
public struct HeldBytes: Sendable, Equatable {
    /// The number of bytes.
    public let size: Int64
    /// Their SHA-256, computed here; nil when nobody announced one to compare it with.
    public let digest: Digest?

    /// A file of `size` bytes that hash to `digest`.
    public init(size: Int64, digest: Digest?) {
        self.size = size
        self.digest = digest
    }
}

/// Evidence for `digest-matched`: what the manifest says of the blocks, and what they are.
public struct BlockDigests: Sendable, Equatable {
    /// The manifest's digests, in the order of the blocks.
    public let named: [Digest]
    /// The digests of the blocks as they were read, in the same order.
    public let found: [Digest]
    /// The manifest's own `content_digest`, where it has one.
    public let sealedContentDigest: Digest?

    /// The digests of one envelope's blocks.
    public init(named: [Digest], found: [Digest], sealedContentDigest: Digest? = nil) {
        self.named = named
        self.found = found
        self.sealedContentDigest = sealedContentDigest
    }

    /// The digest of the content as it was read: that of the only block, or the SHA-256 of the blocks' digests one
    /// after the other (`cep.md`, section 6.2).
    public var contentDigest: Digest {
        found.count == 1 ? found[0] : Digest(of: found.flatMap(\.bytes))
    }
}

/// Evidence for `container-verified`: the outcome of each check on the container (`envelope.md`, section 10.2).
public struct ContainerChecks: Sendable, Equatable {
    /// The manifest's `sender_pubkey`, under which the signatures were checked.
    public let sender: PublicKey
    /// Whether framing, manifest and blocks fit together, with nothing before, between or after them.
    public let structureIsWhole: Bool
    /// Whether the manifest's signature holds.
    public let manifestSignatureHolds: Bool
    /// Whether every block's signature holds.
    public let blockSignaturesHold: Bool

    /// The outcomes of the checks.
    public init(
        sender: PublicKey, structureIsWhole: Bool, manifestSignatureHolds: Bool, blockSignaturesHold: Bool
    ) {
        self.sender = sender
        self.structureIsWhole = structureIsWhole
        self.manifestSignatureHolds = manifestSignatureHolds
        self.blockSignaturesHold = blockSignaturesHold
    }
}

/// Evidence for `continuation-approved`: what policy says, and whose keys are known.
public struct ContinuationGrant: Sendable {
    /// The verdict of the trust kernel (`daemon.md`, section 6.1).
    public let verdict: PolicyVerdict
    /// The keys that were pinned for senders.
    public let pinnedKeys: Set<PublicKey>

    /// A verdict, and the keys to find the sender's among.
    public init(verdict: PolicyVerdict, pinnedKeys: Set<PublicKey>) {
        self.verdict = verdict
        self.pinnedKeys = pinnedKeys
    }
}

/// The verdicts of the trust kernel (`daemon.md`, section 6). The raw values are the peers'.
public enum PolicyVerdict: String, Sendable, CaseIterable {
    /// Go on.
    case allow = "ALLOW"
    /// Have a person look.
    case triage = "TRIAGE"
    /// Seal it anew first.
    case reseal = "RESEAL"
    /// Go no further.
    case deny = "DENY"
}
