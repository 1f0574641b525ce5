/// Removes what is due.
struct Sweep: Sendable {
    let core: StoreCore
    let limit: Int

    /// How many pieces of blobs go in one transaction.
    private static let pieces = 64

    /// What is removed, in this order.
    enum Step: Sendable, CaseIterable {
        case items, channels, blobs, pieces, notes
    }

    /// Does one of them.
    func remove(_ step: Step, _ change: Change) throws(JobFailure) -> SweepResult {
        switch step {
        case .items: try items(change)
        case .channels: try channels(change)
        case .blobs: try blobs(change)
        case .pieces: try pieces(change)
        case .notes: try notes(change)
        }
    }

    // MARK: Items

    private func items(_ change: Change) throws(JobFailure) -> SweepResult {
        let rows = try change.rows(
            """
            SELECT \(Self.itemColumns) FROM item WHERE expires <= ? ORDER BY expires LIMIT ?\(change.dialect.takingRows)
            """, .integer(change.now), .integer(Int64(limit)))
        try remove(rows, change)
        return SweepResult(items: rows.count, hasMore: rows.count == limit)
    }

    static let itemColumns = "number, kind, agent, state, size, blob, channel, account, sender"

    /// Removes these items, with what they count for.
    func remove(_ rows: [SQLRow], _ change: Change) throws(JobFailure) {
        guard !rows.isEmpty else { return }
        let numbers = rows.map { SQLValue.integer($0.integer(0)) }
        let places = ItemChoice.places(numbers.count)
        var statements = [
            SQLStatement("DELETE FROM item WHERE number IN \(places)", arguments: numbers),
            SQLStatement("DELETE FROM body WHERE number IN \(places)", arguments: numbers),
        ]
        var unsettled: [String: Int64] = [:]
        for row in rows {
            let account = SenderAccount(code: row.integer(7))
            if account == .unproven { Booking.addUnproven(-1, -row.integer(4), to: &change.sums) }
            if row.integer(3) <= ItemState.held.code {
                let kind: MailboxKind = row.integer(1) == MailboxKind.mux.code ? .mux : .ipoll
                let booking = Booking(
                    account: account, sender: row.text(8), mailbox: MailboxName(kind, of: row.text(2)))
                booking.settle(row.integer(4), in: &change.sums)
                if let channel = row.optionalText(6) { unsettled[channel, default: 0] += 1 }
            }
            // What was committed let go of its blob then.
            if row.integer(3) != ItemState.committed.code, let blob = row.optionalText(5) {
                statements.append(
                    BlobUse.end(blob, 1, after: core.configuration.settledBlobRetention, at: change.now))
            }
        }
        _ = try change.change(statements)
        for (channel, count) in unsettled.sorted(by: { $0.key < $1.key }) {
            try expire(count, of: channel, change)
        }
    }

    /// Frames that nobody took are gone. Nobody has received them, so that is no reason to close their channel; one that is
    /// closed has nothing to wait for any more.
    private func expire(_ count: Int64, of channel: String, _ change: Change) throws(JobFailure) {
        _ = try change.change([
            SQLStatement(
                "UPDATE channel SET unsettled = unsettled - ? WHERE id = ?", .integer(count), .text(channel)),
            SQLStatement(
                """
                UPDATE channel SET live = 0, expires = CASE WHEN account = \(SenderAccount.unproven.code) THEN expires
                ELSE CAST(? AS BIGINT) END WHERE id = ? AND unsettled <= 0 AND closed IS NOT NULL
                """,
                .integer(change.now + core.configuration.closedChannelRetention.microseconds), .text(channel)),
        ])
    }

    // MARK: Channels

    private func channels(_ change: Change) throws(JobFailure) -> SweepResult {
        let ids = try change.rows(
            "SELECT id FROM channel WHERE expires <= ? ORDER BY expires LIMIT ?\(change.dialect.takingRows)",
            .integer(change.now), .integer(Int64(limit))
        ).map { $0.text(0) }
        var result = SweepResult(hasMore: ids.count == limit)
        var budget = limit
        for id in ids {
            let rows = try change.rows(
                "SELECT \(Self.itemColumns) FROM item WHERE channel = ? ORDER BY sequence LIMIT ?", .text(id),
                .integer(Int64(budget) + 1))
            try remove(Array(rows.prefix(budget)), change)
            result.items += min(rows.count, budget)
            guard rows.count <= budget else {
                result.hasMore = true
                break
            }
            budget -= rows.count
            try delete(channel: id, change)
            result.channels += 1
        }
        return result
    }

    /// Deletes a channel without frames. One of an unproven sender may be open still.
    private func delete(channel id: String, _ change: Change) throws(JobFailure) {
        let answer = try change.change(
            "DELETE FROM channel WHERE id = ? RETURNING agent, closed, account, metadata", .text(id))
        guard let row = answer.rows.first else { return }
        if row.optionalInteger(1) == nil {
            _ = try change.change(ChannelClosing.uncount(row.text(0), &change.sums))
        }
        guard row.integer(2) == SenderAccount.unproven.code else { return }
        Booking.addUnproven(-1, -Int64(row.optionalText(3)?.utf8.count ?? 0), to: &change.sums)
    }

    // MARK: Blobs

    /// Takes blobs out of use that nothing refers to.
    private func blobs(_ change: Change) throws(JobFailure) -> SweepResult {
        let ids = try change.rows(
            """
            SELECT id FROM blob WHERE expires <= ? AND doomed = 0 AND uses = 0 ORDER BY expires LIMIT ?\
            \(change.dialect.takingRows)
            """, .integer(change.now), .integer(Int64(limit))
        ).map { $0.text(0) }
        for id in ids { try BlobDoom.doom(id, change) }
        return SweepResult(hasMore: ids.count == limit)
    }

    /// Removes the bytes of blobs that are out of use, and at last the blobs.
    private func pieces(_ change: Change) throws(JobFailure) -> SweepResult {
        let id = try change.row(
            "SELECT id FROM blob WHERE expires <= ? AND doomed = 1 ORDER BY expires LIMIT 1\(change.dialect.takingRows)",
            .integer(change.now)
        )?.text(0)
        guard let id else { return SweepResult() }
        let starts = try change.rows(
            "SELECT start FROM piece WHERE blob = ? ORDER BY start LIMIT \(Self.pieces)", .text(id))
        guard starts.count < Self.pieces else {
            _ = try change.change(
                "DELETE FROM piece WHERE blob = ? AND start <= ?", .text(id),
                .integer(starts.last?.integer(0) ?? 0))
            return SweepResult(hasMore: true)
        }
        _ = try change.change("DELETE FROM piece WHERE blob = ?", .text(id))
        try BlobDoom.delete(id, change)
        return SweepResult(blobs: 1, hasMore: true)
    }

    // MARK: Notes

    private func notes(_ change: Change) throws(JobFailure) -> SweepResult {
        var result = SweepResult()
        let lastHour = change.now / 3_600_000_000 - 48
        for (table, keys, column, before) in [
            ("nonce", ["agent", "nonce"], "expires", change.now),
            ("answer", ["agent", "name"], "expires", change.now),
            ("released", ["lease"], "expires", change.now),
            ("hourly", ["agent", "hour"], "hour", lastHour),
        ] {
            let names = keys.joined(separator: ", ")
            let answer = try change.change(
                """
                DELETE FROM \(table) WHERE (\(names)) IN (
                SELECT \(names) FROM \(table) WHERE \(column) <= ? ORDER BY \(column) LIMIT ?)
                """, .integer(before), .integer(Int64(limit)))
            result.notes += answer.changes
            if answer.changes >= limit { result.hasMore = true }
        }
        return result
    }
}
