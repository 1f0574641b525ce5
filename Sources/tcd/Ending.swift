internal import UnixSignals

/// A command that receives until it is told to stop: it looks after signals itself.
protocol EndsByItself: SendableMetatype {}

/// Stops what receives once: when enough has come, when time is up, or when somebody presses Ctrl-C.
struct Ending: Sendable {
    private let requests: AsyncStream<Bool>.Continuation
    private let task: Task<Bool, Never>

    /// - Parameters:
    ///   - time: When time is up; nil for never.
    ///   - stop: Stops it, and returns when it has.
    init(after time: Duration?, _ stop: @escaping @Sendable () async -> Void) {
        let (stream, requests) = AsyncStream<Bool>.makeStream()
        self.requests = requests
        let timer = Task {
            guard let time, (try? await Task.sleep(for: time)) != nil else { return }
            requests.yield(false)
        }
        let signals = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { requests.yield(true) }
        }
        task = Task {
            let byPerson = await stream.first { _ in true } ?? false
            timer.cancel()
            signals.cancel()
            await stop()
            return byPerson
        }
    }

    /// Asks it to stop.
    func stop() { requests.yield(false) }

    /// Returns when it has, and says whether a signal was the reason.
    func wait() async -> Bool {
        stop()
        return await task.value
    }
}
