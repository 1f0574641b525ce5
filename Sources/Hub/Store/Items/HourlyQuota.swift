internal import Fabric

/// How many messages and frames one sender may send in a clock hour.
struct HourlyQuota {
    let sender: String
    /// The most in one hour; nil for any number.
    let limit: Int64?

    private static let hour: Int64 = 3_600_000_000

    /// Counts an item of so many bytes in its sender's hour.
    ///
    /// - Returns: How many the sender has sent then.
    /// - Throws: `quotaReached`, before anything was changed.
    func charge(_ size: Int64, _ change: Change) throws(JobFailure) -> Int64 {
        let limit = limit ?? .max
        let hour = change.now / Self.hour
        let row =
            limit <= 0
            ? nil
            : try change.change(
                """
                INSERT INTO hourly (agent, hour, messages, bytes) VALUES (?, ?, 1, ?)
                ON CONFLICT (agent, hour) DO UPDATE SET messages = hourly.messages + 1,
                bytes = hourly.bytes + excluded.bytes WHERE hourly.messages < ? RETURNING messages
                """, .text(sender), .integer(hour), .integer(size), .integer(limit)
            ).rows.first
        guard let row else {
            let rest = (hour + 1) * Self.hour - change.now
            throw .store(.quotaReached(agent: sender, limit: limit, retryAfter: .microseconds(rest)))
        }
        return row.integer(0)
    }
}
