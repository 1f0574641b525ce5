/// Why one attempt to deliver failed: what kind of failure, what should happen next, and a detail for people.
public struct CarrierError: ExplainedError {
    /// What a person would do differently.
    public enum Kind: Sendable, Equatable {
        /// No connection came about: name, network or nobody listening.
        case unreachable
        /// The far side said no: credentials, permissions, a policy.
        case refused
        /// The far side's key is not the one on record.
        case hostKeyChanged
        /// The envelope is larger than the far side takes; the limit in bytes where it told.
        case tooLarge(limit: Int64?)
        /// The far side has no room.
        case full
        /// The name is taken by something that the far side will not keep beside it.
        case conflict
        /// The far side asked to be left alone for a while.
        case throttled
        /// The far side stopped moving bytes, or never answered.
        case stalled
        /// What was sent, stored or answered is not what it should be.
        case corrupted
        /// This side's own set-up is wrong: route, certificate, option.
        case misconfigured
        /// The caller cancelled.
        case cancelled
    }

    /// What whoever decides about retries should do.
    public enum Remedy: Sendable, Equatable {
        /// The same route may work later; not before the duration, where the far side named one.
        case retry(after: Duration?)
        /// This route will not work for this envelope; another may.
        case tryNextRoute
        /// Nothing changes until a person acts.
        case waitForPerson
        /// No route can help.
        case giveUp
    }

    public let kind: Kind
    public let action: Remedy
    public let explanation: String
    public let remedy: String?

    /// An error from its parts.
    ///
    /// - Parameters:
    ///   - explanation: What failed and why, lower case, without a full stop. Control characters, which can come from an
    ///     address or a far side, are shown as their numbers, so that it stays one line and moves no cursor.
    ///   - remedy: What a person can do, or nil.
    public init(_ kind: Kind, _ action: Remedy, _ explanation: String, remedy: String? = nil) {
        self.kind = kind
        self.action = action
        self.explanation = DisplayText.line(explanation, atMost: .max)
        self.remedy = remedy.map { DisplayText.line($0, atMost: .max) }
    }

    /// Whether the same route can work later without a person doing anything.
    public var isRetryable: Bool {
        if case .retry = action { true } else { false }
    }

    public var category: FailureCategory {
        switch kind {
        case .unreachable: .unavailable
        case .refused, .hostKeyChanged, .conflict: .refused
        case .tooLarge: .refused
        case .full, .throttled, .stalled: .tryLater
        case .corrupted: .badData
        case .misconfigured: .configuration
        case .cancelled: .tryLater
        }
    }
}
