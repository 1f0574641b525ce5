internal import Synchronization

/// Lets so many through at once, and the others in the order in which they came.
public final class DeliveryGate: Sendable {
    /// How many may be through at once.
    public let limit: Int

    private let state: Mutex<State>

    private struct State: Sendable {
        var free: Int
        var nextTicket: UInt64 = 0
        /// Those who wait, by ticket: the lowest has waited for longest.
        var waiting: [(ticket: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
        /// Those who were cancelled before they began to wait.
        var cancelled: Set<UInt64> = []
    }

    /// A gate for `limit` at once, at least one.
    public init(limit: Int) {
        self.limit = max(1, limit)
        state = Mutex(State(free: max(1, limit)))
    }

    /// The number of those who wait.
    public var waiting: Int { state.withLock { $0.waiting.count } }

    /// Does `body` when it is this caller's turn.
    ///
    /// - Throws: What `body` throws; `.cancelled` when the task was cancelled while it waited.
    public func pass<Value: Sendable>(
        to route: Route, _ body: () async throws(CarrierError) -> Value
    ) async throws(CarrierError) -> Value {
        guard await enter() else {
            throw CarrierError(.cancelled, .retry(after: nil), "the delivery to '\(route)' was cancelled")
        }
        defer { leave() }
        return try await body()
    }

    /// Waits for a turn; false when the task was cancelled instead.
    private func enter() async -> Bool {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        defer { state.withLock { _ = $0.cancelled.remove(ticket) } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if Task.isCancelled || state.cancelled.contains(ticket) { return false }
                    guard state.free > 0 else {
                        state.waiting.append((ticket, continuation))
                        return nil
                    }
                    state.free -= 1
                    return true
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                guard let index = state.waiting.firstIndex(where: { $0.ticket == ticket }) else {
                    state.cancelled.insert(ticket)
                    return nil as CheckedContinuation<Bool, Never>?
                }
                return state.waiting.remove(at: index).continuation
            }
            continuation?.resume(returning: false)
        }
    }

    private func leave() {
        let next = state.withLock { state in
            // The place is handed over, so nobody who came later can slip in between.
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil as CheckedContinuation<Bool, Never>?
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
