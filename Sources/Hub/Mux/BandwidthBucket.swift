internal import Fabric

/// The budget of one channel: full at first, and filled again as time passes (`mux.md`, section 4.1).
struct BandwidthBucket: Sendable {
    /// What becomes of a frame.
    enum Verdict: Equatable {
        case passes
        /// Refused now; later it could pass.
        case throttled
        /// Refused for ever: it is larger than the whole budget.
        case neverPasses
    }

    let kind: BandwidthClass
    private var tokens: Double
    private var filled: ContinuousClock.Instant
    private(set) var throttledFrames = 0
    private(set) var throttledBytes = 0

    /// A full bucket.
    init(_ kind: BandwidthClass, at now: ContinuousClock.Instant) {
        self.kind = kind
        tokens = Double(kind.capacity ?? 0)
        filled = now
    }

    /// Takes what a frame costs.
    ///
    /// - Parameters:
    ///   - size: The frame's length as the peers' server measures it.
    ///   - isEnforced: Whether frames are refused at all.
    mutating func take(_ size: Int, at now: ContinuousClock.Instant, isEnforced: Bool) -> Verdict {
        guard let capacity = kind.capacity else { return .passes }
        fill(at: now)
        if Double(size) <= tokens {
            tokens -= Double(size)
            return .passes
        }
        guard isEnforced, kind.isPreemptible else {
            tokens = 0
            return .passes
        }
        throttledFrames += 1
        throttledBytes += size
        return size > capacity ? .neverPasses : .throttled
    }

    /// The whole tokens that are left.
    mutating func remaining(at now: ContinuousClock.Instant) -> Int {
        fill(at: now)
        return Int(tokens)
    }

    private mutating func fill(at now: ContinuousClock.Instant) {
        guard let capacity = kind.capacity else { return }
        let seconds = (now - filled) / .seconds(1)
        tokens = min(Double(capacity), tokens + max(0, seconds) * Double(kind.rate))
        filled = now
    }
}
