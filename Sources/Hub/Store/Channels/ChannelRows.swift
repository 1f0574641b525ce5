internal import Fabric

extension Channel {
    /// The columns that `init(row:)` reads.
    static let columns = """
        id, agent, target, intent, metadata, stays_open, opened, active, closed, reason, frames, bytes, unsettled, \
        refused, closings, open_hash, close_hash, number
        """

    init(row: SQLRow) {
        self.init(
            id: row.text(0), agent: row.text(1), target: row.text(2), intent: row.text(3),
            metadata: row.optionalText(4), staysOpen: row.integer(5) == 1,
            openedAt: Timestamp(microseconds: row.integer(6)), lastActivity: Timestamp(microseconds: row.integer(7)),
            closedAt: row.optionalInteger(8).map { Timestamp(microseconds: $0) }, closeReason: row.optionalText(9),
            frames: row.integer(10), bytes: row.integer(11), unsettled: row.integer(12), refused: row.integer(13),
            chainLength: 1 + row.integer(10) + row.integer(14), openHash: row.text(15),
            closeHash: row.optionalText(16), position: row.integer(17))
    }
}

extension Inquiry {
    /// The channel; nil if there is none.
    func channel(_ id: String) throws(JobFailure) -> Channel? {
        try row("SELECT \(Channel.columns) FROM channel WHERE id = ?", .text(id)).map { Channel(row: $0) }
    }
}
