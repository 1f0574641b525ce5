internal import Fabric
internal import Synchronization

/// Whether there is room for more: on the store's disk, in single mailboxes and in the accounts of senders.
///
/// What the store holds is looked up once a second at most; what was let in since then is added to it.
final class StoreRoom: Sendable {
    /// Something whose bytes are limited.
    private enum Place: Hashable {
        case mailbox(MailboxName)
        case account(String)
    }

    private struct Look {
        var at: ContinuousClock.Instant
        var value: Int64
    }

    private struct State {
        var free: (at: ContinuousClock.Instant, bytes: Int64?)?
        var loads: [Place: Look] = [:]
    }

    private static let freshness = Duration.seconds(1)
    private static let most = 65_536
    private let store: HubStore
    private let limits: HubLimits
    private let state = Mutex(State())

    init(store: HubStore, limits: HubLimits) {
        self.store = store
        self.limits = limits
    }

    /// Returns where so many bytes more can be kept for `mailbox`, and counts them in.
    ///
    /// The mail of an unproven sender takes no room in the mailbox: the store checks the account that those senders share.
    /// - Throws: 507 before the disk is full, 429 where the mailbox or the account of the sender is.
    func check(
        _ bytes: Int, for mailbox: MailboxName, from sender: String, _ account: SenderAccount
    ) async throws(HubFault) {
        try await checkDisk(bytes, account)
        guard account != .unproven else { return }
        guard try await take(bytes, .mailbox(mailbox)) else {
            throw HubFault(.mailboxFull(agent: mailbox.agent, limit: limits.mailboxBytes))
        }
        guard account == .proven else { return }
        guard try await take(bytes, .account(sender)) else {
            throw HubFault(.senderFull(agent: sender, limit: limits.mailboxBytes))
        }
    }

    /// Returns where so many bytes more can be kept on the disk.
    ///
    /// Unproven senders are refused before they reach what proven senders may use; what they have stored may lie in the
    /// reserve, so that it is never the reason for which a proven sender is refused.
    /// - Throws: 507 before it is full.
    func checkDisk(_ bytes: Int, _ account: SenderAccount) async throws(HubFault) {
        guard let free = try await free() else { return }
        // Neither side is negative, so the difference cannot overflow.
        let rest = free - limits.reserve
        let needed: Int64
        switch account {
        case .none: needed = Int64(bytes)
        case .proven:
            needed = Int64(bytes) - min(try await load(.account(Booking.sharedAccount)), limits.unproven.bytes)
        case .unproven:
            let (sum, isOver) = limits.unproven.bytes.addingReportingOverflow(Int64(bytes))
            needed = isOver ? .max : sum
        }
        guard rest < needed else { return }
        throw HubFault(HubFault.insufficientStorage, "the hub's disk reserve would be used up", code: "full")
    }

    private func take(_ bytes: Int, _ place: Place) async throws(HubFault) -> Bool {
        let held = try await load(place)
        let (sum, isOver) = held.addingReportingOverflow(Int64(bytes))
        guard !isOver, sum <= limits.mailboxBytes else { return false }
        state.withLock { $0.loads[place]?.value += Int64(bytes) }
        return true
    }

    private func free() async throws(HubFault) -> Int64? {
        let known = state.withLock { $0.free }
        if let known, known.at + Self.freshness > .now { return known.bytes }
        let storage = try await stored { () async throws(StoreError) in try await store.storage() }
        state.withLock { $0.free = (.now, storage.free) }
        return storage.free
    }

    private func load(_ place: Place) async throws(HubFault) -> Int64 {
        let known = state.withLock { $0.loads[place] }
        if let known, known.at + Self.freshness > .now { return known.value }
        let bytes = try await stored { () async throws(StoreError) in
            switch place {
            case .mailbox(let name): try await store.load(of: name).bytes
            case .account(let name): try await store.load(ofAccount: name).bytes
            }
        }
        state.withLock { state in
            if state.loads.count >= Self.most { state.loads.removeAll(keepingCapacity: true) }
            state.loads[place] = Look(at: .now, value: bytes)
        }
        return bytes
    }
}
