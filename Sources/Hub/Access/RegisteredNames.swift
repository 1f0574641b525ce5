internal import Synchronization

/// Which names are registered, as far as it was asked lately. A name that is registered stays so.
final class RegisteredNames: Sendable {
    private static let most = 65_536
    private let store: HubStore
    private let known = Mutex<Set<String>>([])

    init(store: HubStore) { self.store = store }

    /// Whether the name is registered.
    func contains(_ name: String) async throws(HubFault) -> Bool {
        if known.withLock({ $0.contains(name) }) { return true }
        let record = try await stored { () async throws(StoreError) in try await store.agent(name) }
        guard record != nil else { return false }
        known.withLock { known in
            if known.count >= Self.most { known.removeAll(keepingCapacity: true) }
            known.insert(name)
        }
        return true
    }
}
