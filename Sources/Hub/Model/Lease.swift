package import Fabric

/// What a consumer asks for: up to so many items, for itself alone, for so long.
package struct LeaseRequest: Sendable {
    /// The agent whose mailbox it is.
    package var agent: String
    /// For how long the items are held.
    package var duration: Duration
    /// How many at most, 1 to 100.
    package var limit: Int

    package init(agent: String, duration: Duration = .seconds(60), limit: Int = 1) {
        self.agent = agent
        self.duration = duration
        self.limit = limit
    }
}

/// An item that is held for one consumer.
package struct Lease<Item: Sendable>: Sendable {
    /// What to settle it by.
    package let id: String
    /// When others may get it.
    package let until: Timestamp
    /// The frame or message; its `deliveries` count this offer.
    package let item: Item
}

/// The answer to a consumer.
package struct LeaseAnswer<Item: Sendable>: Sendable {
    /// What is held for it now, oldest first.
    package let leases: [Lease<Item>]
    /// Whether more may wait than was asked for.
    package let leavesSome: Bool
    /// Where nothing is: when something that is held now becomes available again at the latest. Nil where nothing is held.
    package let nextDue: Timestamp?
}

/// What became of an item when it was settled.
package struct Settled: Sendable, Equatable {
    /// The outcome, in the hub's words.
    package enum Outcome: Sendable, Equatable {
        /// Its receiver has it.
        case committed
        /// It is held until then.
        case leased(until: Timestamp)
        /// It is offered again from then on.
        case waiting(from: Timestamp)
        /// It is never offered again.
        case refused
    }

    package let outcome: Outcome
    /// The channel that was closed by it, as its last unsettled frame was settled.
    package let closedChannel: String?
}
