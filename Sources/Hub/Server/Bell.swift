internal import Synchronization

/// Tells those who wait at a mailbox that something may have come.
final class Bell: Sendable {
    private struct State {
        var waiters: [MailboxName: [ObjectIdentifier: Waiter]] = [:]
        var count = 0
        var hasStopped = false
    }

    private let state = Mutex(State())

    /// How many wait.
    var count: Int { state.withLock { $0.count } }

    /// Rings `waiter` from now on; ends it where the hub is about to stop.
    func add(_ waiter: Waiter, at mailbox: MailboxName) {
        let hasStopped = state.withLock { state in
            state.waiters[mailbox, default: [:]][ObjectIdentifier(waiter)] = waiter
            state.count += 1
            return state.hasStopped
        }
        if hasStopped { waiter.end() }
    }

    /// Rings `waiter` no more.
    func remove(_ waiter: Waiter, at mailbox: MailboxName) {
        state.withLock { state in
            guard state.waiters[mailbox]?.removeValue(forKey: ObjectIdentifier(waiter)) != nil else { return }
            state.count -= 1
            if state.waiters[mailbox]?.isEmpty == true { state.waiters[mailbox] = nil }
        }
    }

    /// Whether anybody waits there.
    func isHeard(at mailbox: MailboxName) -> Bool { state.withLock { $0.waiters[mailbox] != nil } }

    /// Rings everybody who waits there.
    func ring(_ mailbox: MailboxName) {
        let waiters = state.withLock { $0.waiters[mailbox]?.values.map { $0 } ?? [] }
        for waiter in waiters { waiter.ring() }
    }

    /// Rings everybody: nobody knows who missed something.
    func ringAll() {
        for waiter in all() { waiter.ring() }
    }

    /// Ends every wait, and those that begin later.
    func stop() {
        state.withLock { $0.hasStopped = true }
        for waiter in all() { waiter.end() }
    }

    private func all() -> [Waiter] { state.withLock { $0.waiters.values.flatMap { $0.values.map { $0 } } } }
}
