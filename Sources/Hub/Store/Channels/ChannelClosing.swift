internal import Fabric

/// What closing a channel changes.
enum ChannelClosing {
    /// What a channel is closed with when its last unsettled frame was settled (`mux.md`, section 5.1).
    static let received = "consumer_received"
    /// The same, when a frame of it was refused.
    static let refused = "consumer_refused"

    /// Closes the channel, which exists, or closes it again.
    static func close(_ id: String, reason: String, _ core: StoreCore, _ change: Change) throws(JobFailure) {
        // The row is locked by what comes before, or here: whether it was open is then certain.
        let row = try change.row(
            "SELECT agent, closed FROM channel WHERE id = ?" + change.dialect.lockingRows, .text(id))
        guard let row else { throw .store(.unknownChannel(id)) }
        let hash = Hashes.hash(channel: id, payload: reason, at: change.now)
        var statements = [
            SQLStatement(
                """
                UPDATE channel SET closed = ?, active = ?, reason = ?, closings = closings + 1, close_hash = ?,
                live = CASE WHEN unsettled > 0 THEN 1 ELSE 0 END,
                expires = CASE WHEN unsettled > 0 OR account = \(SenderAccount.unproven.code) THEN expires
                WHEN refused > 0 THEN CAST(? AS BIGINT) ELSE CAST(? AS BIGINT) END WHERE id = ?
                """, .integer(change.now), .integer(change.now), .text(reason), .text(hash),
                .integer(change.now + core.configuration.refusedRetention.microseconds),
                .integer(change.now + core.configuration.closedChannelRetention.microseconds), .text(id))
        ]
        if row.optionalInteger(1) == nil {
            statements += Self.uncount(row.text(0), &change.sums)
        }
        _ = try change.change(statements)
        change.sums.add(1, to: .channelsClosed)
    }

    /// The statements that count an open channel of this agent out. The count of an agent without open channels goes, so
    /// that names which opened a channel once leave nothing behind.
    static func uncount(_ agent: String, _ sums: inout Sums) -> [SQLStatement] {
        sums.add(-1, to: .channelsOpen)
        return [
            SQLStatement(
                "UPDATE opener SET open_channels = open_channels - 1 WHERE agent = ? AND open_channels > 0",
                .text(agent)),
            SQLStatement("DELETE FROM opener WHERE agent = ? AND open_channels <= 0", .text(agent)),
        ]
    }

    /// Takes settled frames out of what the channel waits for, and closes it when none is left, unless it is to stay open.
    /// Whether it was closed by that.
    static func settle(
        _ count: Int64, refused: Int64, of id: String, _ core: StoreCore, _ change: Change
    ) throws(JobFailure) -> Bool {
        let answer = try change.change(
            [
                SQLStatement(
                    """
                    UPDATE channel SET unsettled = unsettled - ?, refused = refused + ?, active = ? WHERE id = ?
                    RETURNING unsettled, refused, stays_open, closed
                    """, .integer(count), .integer(refused), .integer(change.now), .text(id))
            ])
        guard let row = answer[0].rows.first, row.integer(0) <= 0 else { return false }
        // One that is to stay open waits for more frames; one that its sender has closed waits for nothing any more.
        guard row.integer(2) == 0 || row.optionalInteger(3) != nil else { return false }
        try close(id, reason: row.integer(1) > 0 ? Self.refused : received, core, change)
        return true
    }
}
