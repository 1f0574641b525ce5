/// Whether enough moves: a window in which so many bytes have to be moved, and then the next. A value; time goes in.
struct StallWatch {
    private let minimumRate: Int64
    private var window: Duration
    private var start: Duration
    private var movedAtStart: Int64

    init(window: Duration, minimumRate: Int64, at moment: Duration, moved: Int64 = 0) {
        (self.window, self.minimumRate, start, movedAtStart) = (window, minimumRate, moment, moved)
    }

    /// Begins a window of another length.
    mutating func restart(window: Duration, at moment: Duration, moved: Int64) {
        (self.window, start, movedAtStart) = (window, moment, moved)
    }

    /// Whether too little was moved by `moment`, `moved` being everything since the beginning.
    mutating func isStalled(at moment: Duration, moved: Int64) -> Bool {
        guard moment - start >= window else { return false }
        let least = Double(minimumRate) * (window / Duration.seconds(1))
        guard Double(moved - movedAtStart) >= max(1, least) else { return true }
        (start, movedAtStart) = (moment, moved)
        return false
    }
}
