import Synchronization

/// Values that change, and whoever waits for them to become something.
final class Observed<State: Sendable>: Sendable {
    private struct Guarded: Sendable {
        var state: State
        var nextWatcher = 0
        var watchers: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    private let guarded: Mutex<Guarded>

    init(_ state: State) { guarded = Mutex(Guarded(state: state)) }

    /// What it is now.
    var current: State { guarded.withLock { $0.state } }

    /// Does something while it cannot change.
    func look(_ body: (State) -> Void) { guarded.withLock { body($0.state) } }

    /// Changes it and wakes everybody who waits.
    func update(_ change: @Sendable (inout State) -> Void) {
        let watchers = guarded.withLock { guarded in
            change(&guarded.state)
            return Array(guarded.watchers.values)
        }
        for watcher in watchers { watcher.yield() }
    }

    /// What `probe` finds as soon as it finds something; nil when it has found nothing within `limit`.
    func first<Value: Sendable>(
        within limit: Duration, _ probe: @escaping @Sendable (State) -> Value?
    ) async -> Value? {
        let (changes, watcher) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = guarded.withLock { guarded in
            guarded.nextWatcher += 1
            guarded.watchers[guarded.nextWatcher] = watcher
            return guarded.nextWatcher
        }
        defer { guarded.withLock { _ = $0.watchers.removeValue(forKey: number) } }
        return await withTaskGroup(of: Value?.self) { group in
            group.addTask {
                if let value = probe(self.current) { return value }
                for await _ in changes {
                    if let value = probe(self.current) { return value }
                }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
