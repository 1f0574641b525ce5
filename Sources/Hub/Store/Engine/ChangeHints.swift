internal import Synchronization

/// Gives hints to everybody who listens.
final class ChangeHints: Sendable {
    private struct State {
        var listeners: [Int: AsyncStream<MailboxChange>.Continuation] = [:]
        var next = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// How many hints a listener can be behind before they are replaced by one that stands for all.
    private static let longestBacklog = 4096

    /// Hints from now on.
    func stream() -> AsyncStream<MailboxChange> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: MailboxChange.self, bufferingPolicy: .bufferingNewest(Self.longestBacklog))
        let number = state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            defer { state.next += 1 }
            state.listeners[state.next] = continuation
            return state.next
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: number) }
        }
        return stream
    }

    func tell(_ change: MailboxChange) {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners {
            // The oldest hint was dropped: which one, nobody knows.
            if case .dropped = listener.yield(change) { listener.yield(.everything) }
        }
    }

    /// Ends all streams.
    func close() {
        let listeners = state.withLock { state in
            state.isClosed = true
            defer { state.listeners = [:] }
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }
}
