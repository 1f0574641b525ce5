package import Fabric
package import HubClient

/// A message that is held for the caller until it is settled.
package struct HeldPoll: Sendable {
    /// The message.
    package let message: PollMessage
    /// For how long it is given to nobody else, counted from when it was offered or last extended: by our hub to nobody
    /// at all, otherwise to nobody in this process.
    package let lease: Duration
    /// What our hub leased; nil at other servers.
    package let hubLease: HubLease?

    private let tell: @Sendable (Settlement) async throws(SettlementError) -> Void
    private let log = SettlementLog()

    init(
        _ message: PollMessage, lease: Duration, hubLease: HubLease? = nil,
        tell: @escaping @Sendable (Settlement) async throws(SettlementError) -> Void
    ) {
        self.message = message
        self.lease = lease
        self.hubLease = hubLease
        self.tell = tell
    }

    /// Says what became of it. On return that is durable: at a hub that leases, there; otherwise in the set of seen
    /// messages here. The same settlement twice is harmless, and `extend` may come any number of times before the last.
    package func settle(_ settlement: Settlement) async throws(SettlementError) {
        try await log.settle(settlement) { () async throws(SettlementError) in try await tell(settlement) }
    }
}
