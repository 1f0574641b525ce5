internal import Fabric
internal import Synchronization

/// What never changes about a channel, kept in memory for those that were used lately.
final class ChannelBook: Sendable {
    /// Whose channel it is, to whom, and what for.
    struct Facts: Sendable {
        let agent: String
        let target: String
        let intent: Intent
        let intentText: String
        let openedAt: Timestamp

        /// Whether it is a channel of the caller's name from before the caller had registered it.
        func precedes(_ caller: Access.Caller) -> Bool {
            (caller.name == agent || caller.name == target) && !caller.owns(since: openedAt)
        }
    }

    private static let most = 65_536
    private let store: HubStore
    private let facts = Mutex<[String: Facts]>([:])

    init(store: HubStore) { self.store = store }

    /// The facts about a channel; nil where there is none.
    func facts(of id: String) async throws(HubFault) -> Facts? {
        if let known = facts.withLock({ $0[id] }) { return known }
        let channel = try await stored { () async throws(StoreError) in try await store.channel(id) }
        guard let channel else { return nil }
        let found = Facts(
            agent: channel.agent, target: channel.target, intent: Intent(channel.intent), intentText: channel.intent,
            openedAt: channel.openedAt)
        remember(id, found)
        return found
    }

    /// Keeps the facts about a channel that was just opened.
    func remember(_ id: String, _ found: Facts) {
        facts.withLock { facts in
            if facts.count >= Self.most { facts.removeAll(keepingCapacity: true) }
            facts[id] = found
        }
    }
}
