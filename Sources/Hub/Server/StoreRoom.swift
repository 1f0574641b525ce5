internal import Fabric
internal import Synchronization

/// Whether there is room for more: on the store's disk, and in single mailboxes. Looked at once a second at most.
final class StoreRoom: Sendable {
    private struct Look {
        var at: ContinuousClock.Instant
        var value: Int64?
    }

    private struct State {
        var free: Look?
        var loads: [MailboxName: Look] = [:]
    }

    private static let freshness = Duration.seconds(1)
    private static let most = 65_536
    private let store: HubStore
    private let reserve: Int64
    private let mailboxBytes: Int64
    private let state = Mutex(State())

    init(store: HubStore, limits: HubLimits) {
        self.store = store
        reserve = limits.reserve
        mailboxBytes = limits.mailboxBytes
    }

    /// Returns where so many bytes more can be kept for `mailbox`.
    ///
    /// - Throws: 507 before the disk is full, 429 where the mailbox is.
    func check(_ bytes: Int, for mailbox: MailboxName) async throws(HubFault) {
        try await checkDisk(bytes)
        let held = try await load(of: mailbox)
        guard held + Int64(bytes) <= mailboxBytes else {
            throw HubFault(.mailboxFull(agent: mailbox.agent, limit: mailboxBytes))
        }
    }

    /// Returns where so many bytes more can be kept on the disk.
    ///
    /// - Throws: 507 before it is full.
    func checkDisk(_ bytes: Int) async throws(HubFault) {
        guard let free = try await free(), free - Int64(bytes) < reserve else { return }
        throw HubFault(HubFault.insufficientStorage, "the hub's disk reserve would be used up", code: "full")
    }

    private func free() async throws(HubFault) -> Int64? {
        let known = state.withLock { $0.free }
        if let known, known.at + Self.freshness > .now { return known.value }
        let storage = try await stored { () async throws(StoreError) in try await store.storage() }
        state.withLock { $0.free = Look(at: .now, value: storage.free) }
        return storage.free
    }

    private func load(of mailbox: MailboxName) async throws(HubFault) -> Int64 {
        let known = state.withLock { $0.loads[mailbox] }
        if let known, known.at + Self.freshness > .now { return known.value ?? 0 }
        let load = try await stored { () async throws(StoreError) in try await store.load(of: mailbox) }
        state.withLock { state in
            if state.loads.count >= Self.most { state.loads.removeAll(keepingCapacity: true) }
            state.loads[mailbox] = Look(at: .now, value: load.bytes)
        }
        return load.bytes
    }
}
