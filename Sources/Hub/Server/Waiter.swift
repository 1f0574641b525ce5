internal import NIOCore
internal import Synchronization

/// One request that waits for something to come: a place in memory, no thread and no task of its own.
final class Waiter: Sendable {
    /// Why a wait ended.
    enum Wake: Sendable {
        /// Something may have come.
        case rung
        /// The time is over.
        case overdue
        /// Nobody waits any more, or the hub is about to stop.
        case ended
    }

    private struct State {
        var isRung = false
        var isOverdue = false
        var isEnded = false
        var continuation: CheckedContinuation<Wake, Never>?

        /// What to tell, which is then told.
        mutating func take() -> Wake? {
            if isEnded { return .ended }
            if isRung {
                isRung = false
                return .rung
            }
            return isOverdue ? .overdue : nil
        }

        mutating func takeContinuation() -> (CheckedContinuation<Wake, Never>, Wake)? {
            guard let continuation, let wake = take() else { return nil }
            self.continuation = nil
            return (continuation, wake)
        }
    }

    private let state = Mutex(State())

    /// Whether nobody waits any more.
    var isEnded: Bool { state.withLock { $0.isEnded } }

    /// Whether it was rung, and has not heeded that yet.
    var isRung: Bool { state.withLock { $0.isRung } }

    /// Whether it waits for a ring at this moment.
    var isIdle: Bool { state.withLock { $0.continuation != nil } }

    /// Says that something may have come.
    func ring() { change { $0.isRung = true } }

    /// Ends every wait from now on.
    func end() { change { $0.isEnded = true } }

    private func expire() { change { $0.isOverdue = true } }

    private func change(_ body: (inout State) -> Void) {
        let woken = state.withLock { state in
            body(&state)
            return state.takeContinuation()
        }
        if let (continuation, wake) = woken { continuation.resume(returning: wake) }
    }

    /// Waits for a ring. A ring that came since the last wait ends the next one at once. For one caller at a time.
    func next() async -> Wake {
        await withCheckedContinuation { continuation in
            let wake = state.withLock { state -> Wake? in
                if let wake = state.take() { return wake }
                state.continuation = continuation
                return nil
            }
            if let wake { continuation.resume(returning: wake) }
        }
    }

    /// From now on, waits end at this time.
    func limit(_ time: Duration, on eventLoop: any EventLoop) -> Scheduled<Void> {
        eventLoop.scheduleTask(in: TimeAmount(time)) { self.expire() }
    }

    /// The next wait may take until then again.
    func renew() { state.withLock { $0.isOverdue = false } }
}
