internal import Dispatch
internal import Synchronization

/// How much may pass by when, as a value: a bucket that fills at the rate, and holds what comes in a tenth of a second.
struct TokenBucket: Sendable {
    private let rate: Double
    private let capacity: Double
    private var level: Double
    private var filledAt: Duration

    /// A full bucket. Moments are durations since anything that stays.
    init(_ bandwidth: Bandwidth, at moment: Duration) {
        rate = Double(bandwidth.bytesPerSecond)
        capacity = max(1, rate / 10)
        level = capacity
        filledAt = moment
    }

    /// Takes `bytes` out, more than there are if need be.
    ///
    /// - Returns: How long to wait before the bytes may pass. Who comes next waits for these too, so the order is kept.
    mutating func take(_ bytes: Int, at moment: Duration) -> Duration {
        let passed = max(0, (moment - filledAt) / Duration.seconds(1))
        level = min(capacity, level + passed * rate) - Double(bytes)
        filledAt = max(moment, filledAt)
        return level >= 0 ? .zero : .seconds(-level / rate)
    }
}

/// A bucket that many deliveries share, and the clock that fills it.
final class Meter: Sendable {
    private let bucket: Mutex<TokenBucket>
    private let start = ContinuousClock.now

    init(_ bandwidth: Bandwidth) { bucket = Mutex(TokenBucket(bandwidth, at: .zero)) }

    /// How long `bytes` have to wait.
    func take(_ bytes: Int) -> Duration {
        let moment = ContinuousClock.now - start
        return bucket.withLock { $0.take(bytes, at: moment) }
    }
}

/// A wait of a blocked thread that another thread can end.
final class InterruptibleWait: Sendable {
    private let signal = DispatchSemaphore(value: 0)
    private let interrupted = Atomic(false)

    var wasInterrupted: Bool { interrupted.load(ordering: .acquiring) }

    /// Ends the wait under way and all that would follow.
    func interrupt() {
        interrupted.store(true, ordering: .releasing)
        signal.signal()
    }

    /// Waits; false when interrupted.
    func sleep(_ duration: Duration) -> Bool {
        guard !wasInterrupted else { return false }
        guard duration > .zero else { return true }
        let (seconds, attoseconds) = duration.components
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let limit = overflow ? Int.max : Int(clamping: nanoseconds + attoseconds / 1_000_000_000)
        guard signal.wait(timeout: .now() + .nanoseconds(limit)) == .success else { return true }
        // Whoever else waits has to be told as well.
        signal.signal()
        return false
    }
}
