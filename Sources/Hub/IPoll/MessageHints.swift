internal import Fabric
internal import Synchronization

/// Finds the messages that somebody who listens was not told of yet.
final class MessageHints: Sendable {
    private static let most = 100
    private let store: HubStore
    private let agent: String
    private let filter: MessageFilter
    private let position = Mutex<Int64>(0)

    init(store: HubStore, agent: String, filter: MessageFilter) {
        self.store = store
        self.agent = agent
        self.filter = filter
    }

    /// How many wait now, counted up to a hundred; those are not told of one by one.
    func begin() async throws(HubFault) -> Int {
        let messages = try await waiting(after: 0)
        position.withLock { $0 = messages.last?.position ?? 0 }
        return messages.count
    }

    /// Those that came since; and where none did, how many wait, as something may have been released.
    func next() async throws(HubFault) -> (new: [Message], waiting: Int) {
        let messages = try await waiting(after: position.withLock { $0 })
        if let last = messages.last {
            position.withLock { $0 = last.position }
            return (messages, messages.count)
        }
        return ([], try await waiting(after: 0).count)
    }

    private func waiting(after position: Int64) async throws(HubFault) -> [Message] {
        try await stored { () async throws(StoreError) in
            try await store.waitingMessages(agent: agent, filter: filter, after: position, limit: Self.most)
        }
    }
}
