internal import Fabric
internal import Synchronization

/// A line on standard error that tells how far something is, where a person watches; nothing otherwise.
final class ProgressBar: Sendable {
    private let label: String
    private let isShown: Bool
    private let start = ContinuousClock.now
    private let state = Mutex(State())

    private struct State: Sendable {
        var done: Int64 = 0
        var drawn: ContinuousClock.Instant?
        var isOver = false
    }

    /// A bar that begins with `label`.
    init(_ label: String, quiet: Bool) {
        self.label = DisplayText.line(label)
        isShown = !quiet && Terminal.isWatched
    }

    /// Shows that `done` bytes of `total` are done. Draws ten times a second at the most.
    func update(_ done: Int64, of total: Int64?) {
        guard isShown else { return }
        state.withLock { state in
            let now = ContinuousClock.now
            if state.isOver || done < state.done { return }
            if let drawn = state.drawn, now - drawn < .milliseconds(100) { return }
            state.done = done
            state.drawn = now
            Terminal.draw("\r\u{1b}[K" + line(done, of: total, after: now - start))
        }
    }

    /// Removes the line.
    func finish() {
        guard isShown else { return }
        state.withLock { state in
            guard !state.isOver else { return }
            state.isOver = true
            if state.drawn != nil { Terminal.draw("\r\u{1b}[K") }
        }
    }

    /// A sink for carriers and verifiers.
    func sink(total: Int64?) -> ProgressSink {
        guard isShown else { return .none }
        return ProgressSink { [self] done in update(done, of: total) }
    }

    private func line(_ done: Int64, of total: Int64?, after time: Duration) -> String {
        let seconds = max(0.001, Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18)
        let rate = Quantity.bytes(Int64(clamping: Double(done) / seconds)) + "/s"
        guard let total, total > 0 else { return "\(label)  \(Quantity.bytes(done))  \(rate)" }
        let share = min(1, Double(done) / Double(total))
        let filled = Int(share * 24)
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
        return "\(label)  \(bar)  \(Int(share * 100))%  \(Quantity.bytes(done)) of \(Quantity.bytes(total))  \(rate)"
    }
}
