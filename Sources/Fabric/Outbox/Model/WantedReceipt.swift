/// How much must be certain before a delivery counts as done. A stronger one implies the weaker ones.
public enum WantedReceipt: Int, Sendable, Comparable, CaseIterable, CustomStringConvertible {
    /// The far side has taken charge of the bytes.
    case accepted
    /// The far side holds every byte on stable storage.
    case stored
    /// The far side has verified the seal.
    case verified
    /// The receiver has answered with an envelope that it signed.
    case acknowledged

    public static func < (left: WantedReceipt, right: WantedReceipt) -> Bool { left.rawValue < right.rawValue }

    /// The wish with this name; nil for any other text.
    public init?(_ name: String) {
        guard let wish = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = wish
    }

    public var description: String {
        switch self {
        case .accepted: "accepted"
        case .stored: "stored"
        case .verified: "verified"
        case .acknowledged: "acknowledged"
        }
    }

    /// The receipt of a carrier that is enough; nil when no carrier's is.
    public var strength: ReceiptStrength? {
        switch self {
        case .accepted: .accepted
        case .stored: .stored
        case .verified: .verified
        case .acknowledged: nil
        }
    }

    /// Whether a receipt of this strength is enough.
    public func isMet(by reached: ReceiptStrength) -> Bool { strength.map { reached >= $0 } ?? false }
}
