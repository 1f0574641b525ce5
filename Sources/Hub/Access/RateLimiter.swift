internal import Synchronization

/// How often each of many names may do something, over a sliding stretch of ten seconds. In memory: it guards this process.
final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filled: ContinuousClock.Instant
    }

    private static let stretch = 10.0
    private let rate: Double
    private let most: Int
    private let buckets = Mutex<[String: Bucket]>([:])

    /// At most `rate` a second; 0 for any number. Of at most `most` names something is known at a time.
    init(rate: Double, most: Int = 100_000) {
        self.rate = rate
        self.most = max(1, most)
    }

    private var capacity: Double { rate * Self.stretch }

    /// Takes one token of `name`.
    ///
    /// - Returns: 0, or the seconds after which there is one, where there is none now.
    func take(_ name: String, at now: ContinuousClock.Instant = .now) -> Double {
        guard rate > 0 else { return 0 }
        return buckets.withLock { buckets in
            if buckets[name] == nil, buckets.count >= most { evict(&buckets, now) }
            var tokens = tokens(of: buckets[name], now)
            let wait = tokens >= 1 ? 0 : (1 - tokens) / rate
            if wait == 0 { tokens -= 1 }
            buckets[name] = Bucket(tokens: tokens, filled: now)
            return wait
        }
    }

    /// Gives back a token of `name`.
    func give(_ name: String, at now: ContinuousClock.Instant = .now) {
        guard rate > 0 else { return }
        buckets.withLock { buckets in
            guard let bucket = buckets[name] else { return }
            buckets[name] = Bucket(tokens: min(capacity, tokens(of: bucket, now) + 1), filled: now)
        }
    }

    /// Whether `name` has a token now.
    func hasToken(_ name: String, at now: ContinuousClock.Instant = .now) -> Bool {
        rate <= 0 || buckets.withLock { tokens(of: $0[name], now) >= 1 }
    }

    private func tokens(of bucket: Bucket?, _ now: ContinuousClock.Instant) -> Double {
        guard let bucket else { return capacity }
        return min(capacity, bucket.tokens + max(0, (now - bucket.filled) / .seconds(1)) * rate)
    }

    /// Forgets the eighth of the buckets that have the most tokens: full ones tell nothing, and a caller that has used up much
    /// is not forgotten because others came once.
    private func evict(_ buckets: inout [String: Bucket], _ now: ContinuousClock.Instant) {
        let fullest = buckets.map { (name: $0.key, tokens: tokens(of: $0.value, now), filled: $0.value.filled) }
            .sorted { ($0.tokens, $1.filled) > ($1.tokens, $0.filled) }
        for bucket in fullest.prefix(max(1, most / 8)) { buckets[bucket.name] = nil }
    }
}
