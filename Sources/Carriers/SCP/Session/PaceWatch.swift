internal import Fabric

/// Decides whether bytes have stopped moving. A timer that any byte resets is fooled by a trickle; so what counts is how
/// many moved in the time before, looked at four times in that time.
struct PaceWatch {
    private let window: Duration
    private let least: Int64
    private var looks: [(at: ContinuousClock.Instant, bytes: Int64)] = []

    /// A watch that wants `rate` bytes per second over `window`, and at least one.
    init(window: Duration, rate: Int) {
        self.window = window
        least = max(1, Int64(clamping: window.inSeconds * Double(rate)))
    }

    /// Whether too little has moved, when `bytes` have in all by `now`.
    mutating func isStalled(at now: ContinuousClock.Instant, moved bytes: Int64) -> Bool {
        while looks.count > 1, now - looks[1].at >= window { looks.removeFirst() }
        if let last = looks.last, now - last.at < window / 4 {
            return isShort(now, bytes)
        }
        looks.append((now, bytes))
        return isShort(now, bytes)
    }

    private func isShort(_ now: ContinuousClock.Instant, _ bytes: Int64) -> Bool {
        guard let first = looks.first, now - first.at >= window else { return false }
        return bytes - first.bytes < least
    }
}
