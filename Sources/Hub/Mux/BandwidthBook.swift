internal import Fabric
internal import Synchronization

/// The budgets of the channels that were used lately. Only in memory: a restart fills every bucket.
final class BandwidthBook: Sendable {
    /// Whether budgets refuse anything, or are only shown.
    let isEnforced: Bool

    private let buckets = Mutex<[String: BandwidthBucket]>([:])
    private static let most = 65_536

    init(isEnforced: Bool) { self.isEnforced = isEnforced }

    /// Takes what a frame costs from a channel's budget.
    func take(_ size: Int, from channel: String, of intent: Intent) -> BandwidthBucket.Verdict {
        change(channel, intent) { $0.take(size, at: .now, isEnforced: isEnforced) }
    }

    /// Forgets a channel that is closed.
    func forget(_ channel: String) { _ = buckets.withLock { $0.removeValue(forKey: channel) } }

    /// The `bandwidth` of the answers.
    func json(of channel: String, intent: Intent, bytes: Int64) -> JSONValue {
        let (remaining, bucket) = change(channel, intent, keeps: false) { bucket in
            (bucket.remaining(at: .now), bucket)
        }
        let kind = bucket.kind
        return [
            "priority": .integer(kind.priority), "max_bytes_per_sec": .integer(kind.rate),
            "burst_bytes": .integer(kind.burst), "preemptible": .bool(kind.isPreemptible),
            "bytes_allowed": .integer(bytes), "bytes_throttled": .integer(bucket.throttledBytes),
            "frames_throttled": .integer(bucket.throttledFrames), "tokens_remaining": .integer(remaining),
        ]
    }

    private func change<Result: Sendable>(
        _ channel: String, _ intent: Intent, keeps: Bool = true, _ body: (inout BandwidthBucket) -> Result
    ) -> Result {
        buckets.withLock { buckets in
            let isNew = buckets[channel] == nil
            var bucket = buckets[channel] ?? BandwidthBucket(intent.bandwidth, at: .now)
            let result = body(&bucket)
            guard keeps || !isNew else { return result }
            // Whose bucket is forgotten finds a full one: labels are not worth more memory than this.
            if isNew, buckets.count >= Self.most { buckets.removeAll(keepingCapacity: true) }
            buckets[channel] = bucket
            return result
        }
    }
}
