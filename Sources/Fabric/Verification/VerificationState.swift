/// How far an envelope has been verified (`cep.md`, section 2). A later state implies the earlier ones.
///
/// There is no bare "verified": whoever reports, reports one of these.
public enum VerificationState: Int, Sendable, Comparable, CaseIterable, CustomStringConvertible {
    /// Somebody pointed to it; nothing is here.
    case referenced
    /// The bytes are here, and their number is known.
    case present
    /// The blocks are those that the manifest names, and the content is the one that was announced, if any was.
    case digestMatched
    /// The structure is whole and every signature holds.
    case containerVerified
    /// The manifest says what it has to, and the name does not contradict it.
    case manifestVerified
    /// Policy allows going on, and the sender's key is one that was pinned.
    case continuationApproved

    public static func < (left: VerificationState, right: VerificationState) -> Bool { left.rawValue < right.rawValue }

    /// CEP's name for the state, as it stands in records.
    public var name: String {
        switch self {
        case .referenced: "referenced"
        case .present: "present"
        case .digestMatched: "digest-matched"
        case .containerVerified: "container-verified"
        case .manifestVerified: "manifest-verified"
        case .continuationApproved: "continuation-approved"
        }
    }

    /// The state with CEP's name; nil for any other text.
    public init?(name: String) {
        guard let state = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = state
    }

    public var description: String { name }
}

/// How much a verified manifest is worth (`cep.md`, section 2, and `surface.md`, section 5.1).
public enum Assurance: String, Sendable, CaseIterable {
    /// Name and manifest agree.
    case full
    /// Neither has a surface, so nothing contradicts and nothing confirms.
    case reduced
}
