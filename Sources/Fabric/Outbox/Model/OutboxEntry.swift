/// What people call a delivery: eight letters and digits, none of them easily mistaken for another.
public struct OutboxID: Hashable, Sendable, CustomStringConvertible {
    /// The eight characters, lower case.
    public let text: String

    public var description: String { text }

    init(_ text: String) { self.text = text }

    static let length = 8
    static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)

    /// One of some 10¹²; whoever uses it makes sure that it is new.
    static func random() -> OutboxID {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<length).map { _ in alphabet[Int.random(in: alphabet.indices, using: &generator)] }
        return OutboxID(String(decoding: bytes, as: UTF8.self))
    }
}

/// One delivery of one envelope to one target, and where it stands.
public struct OutboxEntry: Sendable, Equatable, Identifiable {
    /// What people call it.
    public let id: OutboxID
    /// The transfer id inside the envelope.
    public let transferID: TransferID
    /// The SHA-256 of the sealed envelope.
    public let digest: Digest
    /// The name under which the far side is asked to publish.
    public let name: ArrivalName
    /// The number of sealed bytes.
    public let size: Int64
    /// Where it is to go, as it was asked for.
    public let target: DeliveryTarget
    /// How much must be certain before it is done.
    public let wanted: WantedReceipt
    /// Where it stands.
    public let state: DeliveryState
    /// Why it stands there, where there is a reason: lower case, without a full stop.
    public let reason: String?
    /// Since when it stands there.
    public let since: Timestamp
    /// When it was put into the outbox.
    public let created: Timestamp
    /// How many times a route was tried.
    public let attempts: Int
    /// When it is tried next; nil unless it is queued.
    public let nextAttempt: Timestamp?
    /// When it gives up; nil for never.
    public let expiry: Timestamp?
    /// The strongest receipt so far; nil when there is none.
    public let reached: ReceiptStrength?
    /// The key with which the receiver signs, where it is known.
    public let receiverKey: PublicKey?

    /// What has to happen before it is done, in words; nil when nothing has.
    public var awaited: String? {
        switch state {
        case .queued: "its next attempt"
        case .sending: "the attempt that is under way"
        case .held: "somebody who releases it"
        case .quarantined: "somebody who looks at it, and replays or cancels it"
        case .waiting where wanted == .acknowledged: "a sealed acknowledgement from the receiver"
        case .waiting: "a receipt of '\(wanted)', or a sealed acknowledgement from the receiver"
        case .delivered, .expired, .cancelled: nil
        }
    }
}

/// Where one envelope is to go, and what is expected of that.
public struct DeliveryOrder: Sendable, Equatable {
    /// Where to.
    public var target: DeliveryTarget
    /// How much must be certain before it is done.
    public var wanted: WantedReceipt
    /// When it gives up; nil for never.
    public var expiry: Timestamp?
    /// Whether it waits for a person from the beginning.
    public var isHeld: Bool

    /// An order from its parts.
    public init(
        _ target: DeliveryTarget, wanted: WantedReceipt = .accepted, expiry: Timestamp? = nil, isHeld: Bool = false
    ) {
        self.target = target
        self.wanted = wanted
        self.expiry = expiry
        self.isHeld = isHeld
    }
}
