internal import CarrierHTTP
internal import UnixSignals

/// Stops a listener once: when enough has come, when time is up, or when somebody presses Ctrl-C.
struct Ending: Sendable {
    private let requests: AsyncStream<Bool>.Continuation
    private let task: Task<Bool, Never>

    /// - Parameter seconds: When time is up; 0 for never.
    init(stopping server: HTTPListener, after seconds: Int) {
        let (stream, requests) = AsyncStream<Bool>.makeStream()
        self.requests = requests
        let timer = Task {
            guard seconds > 0, (try? await Task.sleep(for: .seconds(seconds))) != nil else { return }
            requests.yield(false)
        }
        let signals = Task {
            for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { requests.yield(true) }
        }
        task = Task {
            let byPerson = await stream.first { _ in true } ?? false
            timer.cancel()
            signals.cancel()
            await server.stop()
            return byPerson
        }
    }

    /// Asks the listener to stop.
    func stop() { requests.yield(false) }

    /// Returns when it has, and says whether a signal was the reason.
    func wait() async -> Bool {
        stop()
        return await task.value
    }
}
