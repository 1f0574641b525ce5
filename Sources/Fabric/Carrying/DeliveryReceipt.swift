/// How much a receipt proves. A stronger one implies the weaker ones; nobody turns one into another.
public enum ReceiptStrength: Int, Sendable, Comparable, CustomStringConvertible, CaseIterable {
    /// The far side has taken charge of the bytes, and will hand them on.
    case accepted
    /// The far side holds every byte on stable storage.
    case stored
    /// The far side has verified the seal.
    case verified

    public static func < (left: ReceiptStrength, right: ReceiptStrength) -> Bool { left.rawValue < right.rawValue }

    public var description: String {
        switch self {
        case .accepted: "accepted"
        case .stored: "stored"
        case .verified: "verified"
        }
    }
}

/// What the far side holds after a delivery.
public struct DeliveryReceipt: Sendable, Equatable {
    /// How certain it is.
    public let strength: ReceiptStrength
    /// The route that was taken.
    public let route: Route
    /// The name under which the far side stored the envelope, where it told; a person can look there.
    public let storedName: String?
    /// The SHA-256 of what was stored as the far side computed it; nil where it cannot.
    public let farDigest: Digest?
    /// Whether the far side held these very bytes before.
    public let wasDuplicate: Bool
    /// The number of leading bytes that did not have to be sent again.
    public let resumedFrom: Int64

    /// What the receiver signed, as it came: `proof(of:receiver:)` says what it is worth. Nil where it signed nothing.
    public let signed: SignedReceipt?

    /// A receipt from its parts.
    public init(
        strength: ReceiptStrength, route: Route, storedName: String?, farDigest: Digest?, wasDuplicate: Bool = false,
        resumedFrom: Int64 = 0, signed: SignedReceipt? = nil
    ) {
        self.strength = strength
        self.route = route
        self.storedName = storedName
        self.farDigest = farDigest
        self.wasDuplicate = wasDuplicate
        self.resumedFrom = resumedFrom
        self.signed = signed
    }
}

/// Where a carrier reports how many bytes the far side has taken. Called from any thread; must return at once.
public struct ProgressSink: Sendable {
    private let body: @Sendable (Int64) -> Void

    /// A sink that calls `body` with the number of bytes so far.
    public init(_ body: @escaping @Sendable (Int64) -> Void) { self.body = body }

    /// A sink that nobody looks at.
    public static let none = ProgressSink { _ in }

    /// Reports that the far side has taken `bytes` of the envelope.
    public func report(_ bytes: Int64) { body(bytes) }
}
