/// One layer of verification, as a type: what is known of an envelope once that layer is reached.
///
/// The layers' initialisers are not public. A value of one exists only because the layer below it was reached and the
/// evidence for this one held; see `Verified`.
public protocol VerificationLayer: Sendable {
    /// The state that a record of this layer reports.
    static var state: VerificationState { get }
}

/// An envelope that somebody pointed to.
public struct Referenced: VerificationLayer {
    public static let state = VerificationState.referenced
    /// What was said of it.
    public let announcement: Announcement
}

/// An envelope whose bytes are here.
public struct Present: VerificationLayer {
    public static let state = VerificationState.present
    /// The layer below.
    public let referenced: Referenced
    /// The bytes that are here.
    public let bytes: HeldBytes
}

/// An envelope whose content is what its manifest names.
public struct DigestMatched: VerificationLayer {
    public static let state = VerificationState.digestMatched
    /// The layer below.
    public let present: Present
    /// The digest of the content (`cep.md`, section 6.2).
    public let contentDigest: Digest
}

/// An envelope whose structure and signatures hold.
public struct ContainerVerified: VerificationLayer {
    public static let state = VerificationState.containerVerified
    /// The layer below.
    public let digestMatched: DigestMatched
    /// The key that signed it. Whose key it is has not been asked.
    public let sender: PublicKey
}

/// An envelope whose manifest is not contradicted by its name.
public struct ManifestVerified: VerificationLayer {
    public static let state = VerificationState.manifestVerified
    /// The layer below.
    public let container: ContainerVerified
    /// How much that is worth.
    public let assurance: Assurance
}

/// An envelope that may go on.
public struct ContinuationApproved: VerificationLayer {
    public static let state = VerificationState.continuationApproved
    /// The layer below.
    public let manifest: ManifestVerified
}
