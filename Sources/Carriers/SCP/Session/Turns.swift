internal import Fabric
internal import Synchronization

/// Lets no more than so many go on at once under each key; the others wait in the order in which they came.
final class Turns<Key: Hashable & Sendable>: Sendable {
    private let limit: Int
    private let queues = Mutex<[Key: Queue]>([:])

    private struct Queue: Sendable {
        var taken = 0
        var waiting: [(ticket: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
    }

    private let tickets = Atomic<UInt64>(0)

    init(limit: Int) { self.limit = limit }

    /// Waits for a turn, does `body`, and passes the turn on. When the task is cancelled while it waits, `body` is not
    /// done.
    func take<Value: Sendable>(
        _ key: Key, along route: Route, _ body: () async throws(CarrierError) -> Value
    ) async throws(CarrierError) -> Value {
        guard await begin(key) else { throw SSHFailure.cancelled.error(along: route) }
        defer { end(key) }
        return try await body()
    }

    private func begin(_ key: Key) async -> Bool {
        let ticket = tickets.add(1, ordering: .relaxed).newValue
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let decision: Bool? = queues.withLock { queues in
                    if Task.isCancelled { return false }
                    var queue = queues[key] ?? Queue()
                    defer { queues[key] = queue }
                    guard queue.taken >= limit else {
                        queue.taken += 1
                        return true
                    }
                    queue.waiting.append((ticket, continuation))
                    return nil
                }
                if let decision { continuation.resume(returning: decision) }
            }
        } onCancel: {
            let waiting = queues.withLock { queues in
                guard let index = queues[key]?.waiting.firstIndex(where: { $0.ticket == ticket }) else {
                    return CheckedContinuation<Bool, Never>?.none
                }
                return queues[key]?.waiting.remove(at: index).continuation
            }
            waiting?.resume(returning: false)
        }
    }

    private func end(_ key: Key) {
        let next = queues.withLock { queues in
            guard var queue = queues[key] else { return CheckedContinuation<Bool, Never>?.none }
            defer { queues[key] = queue.taken == 0 ? nil : queue }
            if queue.waiting.isEmpty {
                queue.taken -= 1
                return nil
            }
            return queue.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
