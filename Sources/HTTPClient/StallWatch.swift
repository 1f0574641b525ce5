internal import Fabric

/// Decides whether bytes have stopped moving, from how many have moved at which time.
///
/// A timer that any byte resets is fooled by a trickle, so what counts is the sum over a window that slides in quarters:
/// a stop is noticed after one to one and a quarter times the window.
struct StallWatch {
    private let window: Duration
    private let minimum: Int64
    private var marks: [(time: ContinuousClock.Instant, bytes: Int64)] = []

    /// A watch that wants `rate` bytes per second, averaged over `window`; at least one byte per window.
    init(window: Duration, rate: Int) {
        self.window = window
        let seconds = Double(window.components.seconds) + Double(window.components.attoseconds) / 1e18
        minimum = max(1, Int64(clamping: seconds * Double(rate)))
    }

    /// Takes note that `bytes` have moved in all by `now`. Returns whether fewer than the least moved in the window
    /// before.
    mutating func isStalled(at now: ContinuousClock.Instant, moved bytes: Int64) -> Bool {
        guard let last = marks.last, let first = marks.first else {
            marks = [(now, bytes)]
            return false
        }
        if now - first.time >= window {
            if bytes - first.bytes < minimum { return true }
            marks.removeFirst()
        }
        if now - last.time >= window / 4 { marks.append((now, bytes)) }
        return false
    }
}
