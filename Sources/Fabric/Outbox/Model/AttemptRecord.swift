/// One attempt to bring an envelope along one route, as the outbox remembers it.
public struct AttemptRecord: Sendable, Equatable {
    /// How an attempt ended.
    public enum Outcome: Sendable, Equatable {
        /// The far side has it.
        case delivered(ReceiptStrength)
        /// It failed: with the kind and the action of the carrier's error, as their names.
        case failed(kind: String, action: String)
        /// The process that made it died.
        case interrupted

        /// One word for it: `delivered`, the kind of the failure, or `interrupted`.
        public var name: String {
            switch self {
            case .delivered: "delivered"
            case .failed(let kind, _): kind
            case .interrupted: "interrupted"
            }
        }
    }

    /// The route.
    public let route: Route
    /// Who named the route, in words.
    public let origin: String
    /// When it began.
    public let started: Timestamp
    /// When it ended; nil while it is under way.
    public let ended: Timestamp?
    /// How it ended; nil while it is under way.
    public let outcome: Outcome?
    /// What the carrier said of it; nil where there is nothing to say.
    public let explanation: String?
}

/// What the outbox knows of one route for one delivery.
public struct RouteStanding: Sendable, Equatable {
    /// The route.
    public let route: Route
    /// How many times it failed in a row.
    public let failures: Int
    /// Before when it is not tried again; nil for any time.
    public let notBefore: Timestamp?
    /// Whether it is not tried again before a person says so.
    public let isRuledOut: Bool
    /// What was said of it last.
    public let reason: String
}

/// Everything about one delivery.
public struct OutboxDetail: Sendable, Equatable {
    /// The delivery.
    public let entry: OutboxEntry
    /// Its attempts, the oldest first.
    public let attempts: [AttemptRecord]
    /// Its routes that failed, and when each is tried again.
    public let routes: [RouteStanding]
    /// Its receipts, the oldest first.
    public let receipts: [StoredReceipt]
}

extension CarrierError.Kind {
    /// The name that records and JSON use.
    public var name: String {
        switch self {
        case .unreachable: "unreachable"
        case .refused: "refused"
        case .hostKeyChanged: "host-key-changed"
        case .tooLarge: "too-large"
        case .full: "full"
        case .conflict: "conflict"
        case .throttled: "throttled"
        case .stalled: "stalled"
        case .corrupted: "corrupted"
        case .misconfigured: "misconfigured"
        case .cancelled: "cancelled"
        }
    }
}

extension CarrierError.Remedy {
    /// The name that records and JSON use.
    public var name: String {
        switch self {
        case .retry: "retry"
        case .tryNextRoute: "next-route"
        case .waitForPerson: "person"
        case .giveUp: "give-up"
        }
    }
}
