/// The signed description of an envelope (`envelope.md`, section 3; `cep.md`, section 6.2).
///
/// A value of this type has the right shape. Whether its signature holds is told by whoever hands it out: nothing in
/// it may be acted upon before.
public struct Manifest: Sendable {
    /// How the contents of an envelope are laid out.
    public enum Layout: String, Sendable {
        /// Each content is a file of its own; what peers write, and `--layout files`.
        case files
        /// One content, which is a single file.
        case file
        /// One content, which is a pax tar of a directory.
        case tar
    }

    /// The transfer-pair id.
    public let transferID: TransferID
    /// The name that the sender claims (`sender_aint`).
    public let senderName: String
    /// The key that everything in the envelope is signed with.
    public let senderKey: PublicKey
    /// The name of the addressee (`receiver_aint`).
    public let receiverName: String
    /// The key of the addressee as text; peers never check it, and write 64 zeros for "unaddressed".
    public let receiverKey: String
    /// What kind of thing is inside, for example `ai_state` or `file`.
    public let payloadType: String
    /// The sender's clock when it was sealed, to the second.
    public let createdAt: Timestamp
    /// The mirrored surface name.
    public let surface: ManifestSurface
    /// The data blocks in order.
    public let blocks: [BlockEntry]
    /// The signature over everything else.
    public let signature: Signature
    /// `content_digest`, where the sender wrote one.
    public let contentDigest: Digest?
    /// The digest of the envelope that this one follows on.
    public let causalParent: Digest?
    /// How the contents are laid out; `files` where the sender did not say.
    public let layout: Layout
    /// Every key as it was read, those included that only others know.
    public let fields: CBORMap

    /// The receiver key that stands for "addressed to nobody" (`envelope.md`, section 3).
    public static let unaddressedKey = String(repeating: "0", count: 64)

    /// Whether the envelope names no receiving key.
    public var isUnaddressed: Bool { receiverKey == Self.unaddressedKey }

    /// The digest over the blocks that `content_digest` must equal: that of the only block, or of all block digests
    /// joined in order (`cep.md`, section 6.2).
    public var computedContentDigest: Digest { Self.contentDigest(of: blocks.map(\.digest)) }

    /// The number of bytes that all contents have together once decoded; nil when that is beyond 64 bits.
    public var decodedSize: UInt64? {
        var sum: UInt64 = 0
        for block in blocks {
            let (next, overflow) = sum.addingReportingOverflow(block.decodedSize)
            if overflow { return nil }
            sum = next
        }
        return sum
    }

    /// The bytes that the manifest signature is made over.
    var signedBytes: [UInt8] { signedBytes(reserving: 0) }

    /// The same where it is known that they have at most `count` bytes.
    func signedBytes(reserving count: Int) -> [UInt8] {
        var unsigned = fields
        unsigned["manifest_sig"] = nil
        return CBOREncoder.encode(.map(unsigned), reserving: count)
    }

    static func contentDigest(of digests: [Digest]) -> Digest {
        guard digests.count != 1 else { return digests[0] }
        return Digest(of: digests.flatMap(\.bytes))
    }
}
