internal import Synchronization

/// How often somebody may ask, over a sliding stretch of ten seconds. In memory: it guards this process.
final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filled: ContinuousClock.Instant
    }

    private static let stretch = 10.0
    private static let most = 100_000
    private let rate: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    /// At most `rate` a second; 0 for any number.
    init(rate: Int) { self.rate = Double(rate) }

    /// Counts one request by `who`.
    ///
    /// - Throws: 429 with the time after which there is room again.
    func count(_ who: String, at now: ContinuousClock.Instant = .now) throws(HubFault) {
        guard rate > 0 else { return }
        let wait: Double = buckets.withLock { buckets in
            if buckets[who] == nil, buckets.count >= Self.most { forgetFull(&buckets, now) }
            var bucket = buckets[who] ?? Bucket(tokens: rate * Self.stretch, filled: now)
            let seconds = max(0, (now - bucket.filled) / .seconds(1))
            bucket.tokens = min(rate * Self.stretch, bucket.tokens + seconds * rate)
            bucket.filled = now
            let wait = bucket.tokens >= 1 ? 0 : (1 - bucket.tokens) / rate
            if wait == 0 { bucket.tokens -= 1 }
            buckets[who] = bucket
            return wait
        }
        guard wait == 0 else {
            throw .tooMany("too many requests", code: "rate", retryAfter: Int64(wait.rounded(.up)))
        }
    }

    /// Who has asked nothing for a whole stretch needs no bucket.
    private func forgetFull(_ buckets: inout [String: Bucket], _ now: ContinuousClock.Instant) {
        buckets = buckets.filter { (now - $0.value.filled) / .seconds(1) < Self.stretch }
        if buckets.count >= Self.most { buckets.removeAll() }
    }
}
