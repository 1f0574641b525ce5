/// Where a delivery stands. The raw values are what the index and JSON say.
///
/// `docs/outbox.md` draws how they follow on each other.
public enum DeliveryState: String, Sendable, CaseIterable {
    /// It is tried when its time comes.
    case queued
    /// A process is trying it now.
    case sending
    /// It is not tried before a person says so.
    case held
    /// The far side has it, and has not confirmed as much as was asked for.
    case waiting
    /// As much as was asked for is confirmed.
    case delivered
    /// Its time ran out first.
    case expired
    /// Somebody called it off.
    case cancelled
    /// It cannot be delivered as it is; it is kept for a person to look at.
    case quarantined

    /// Whether something is still to happen: by itself, or by a person.
    public var isOpen: Bool {
        switch self {
        case .queued, .sending, .held, .waiting, .quarantined: true
        case .delivered, .expired, .cancelled: false
        }
    }

    /// Whether the envelope's file is kept for it.
    public var needsFile: Bool { isOpen || self == .expired }
}
