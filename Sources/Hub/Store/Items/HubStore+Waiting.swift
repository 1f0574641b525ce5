internal import Fabric

extension HubStore {
    /// What waits for an agent: up to `limit` frames, as many messages, and as many blobs; held ones included.
    package func waiting(agent: String, limit: Int) async throws(StoreError) -> WaitingList {
        try Texts.checkName(agent, "agent")
        let limit = max(1, limit)
        return try await core.ask { inquiry throws(JobFailure) in
            var items: [WaitingItem] = []
            var hasMore = false
            for kind in MailboxKind.allCases {
                let rows = try inquiry.execute([
                    WaitingItem.statement(kind, agent, .waiting, limit: limit + 1, now: inquiry.now),
                    WaitingItem.statement(kind, agent, .held, limit: limit + 1, now: inquiry.now),
                ]).flatMap(\.rows).sorted { $0.integer(0) < $1.integer(0) }
                hasMore = hasMore || rows.count > limit
                items += rows.prefix(limit).map { WaitingItem(row: $0, kind) }
            }
            let blobs = try inquiry.execute([
                SQLStatement(
                    """
                    SELECT \(Blob.columns) FROM blob WHERE receiver = ? AND doomed = 0 AND uses = 0
                    ORDER BY created, id LIMIT ?
                    """, .text(agent), .integer(Int64(limit) + 1))
            ])[0].rows.compactMap { Blob(row: $0) }
            return WaitingList(
                items: items, blobs: Array(blobs.prefix(limit)), hasMore: hasMore || blobs.count > limit)
        }
    }

    /// Deletes what waits for an agent, leased or not, by the ids of `waiting`. A consumer that holds one has lost its
    /// lease then.
    ///
    /// - Returns: the ids of those that were there.
    package func discard(_ ids: [String], agent: String) async throws(StoreError) -> Set<String> {
        try Texts.checkName(agent, "agent")
        let ids = ids.filter { (try? Texts.checkName($0, "id")) != nil }
        let core = core
        return try await core.change { change throws(JobFailure) in
            var gone: Set<String> = []
            var rows: [SQLRow] = []
            // In one order, so that no two hubs wait for each other's rows in a circle.
            for id in Set(ids).sorted() {
                if let row = try change.row(WaitingItem.selection(id, agent, change)) {
                    gone.insert(id)
                    rows.append(row)
                } else if try BlobDoom.discard(id, of: agent, change) {
                    gone.insert(id)
                }
            }
            try Sweep(core: core, limit: ids.count).remove(rows, change)
            return gone
        }
    }
}

extension WaitingItem {
    fileprivate static func statement(
        _ kind: MailboxKind, _ agent: String, _ state: ItemState, limit: Int, now: Int64
    ) -> SQLStatement {
        SQLStatement(
            """
            SELECT number, id, channel, sequence, sender, topic, size, created, expires, state, sender_key, tier FROM item
            WHERE kind = \(kind.code) AND agent = ? AND state = \(state.code) AND expires > ? ORDER BY number LIMIT ?
            """, .text(agent), .integer(now), .integer(Int64(limit)))
    }

    fileprivate init(row: SQLRow, _ kind: MailboxKind) {
        self.init(
            id: row.optionalText(1) ?? "\(row.text(2))/\(row.integer(3))", kind: kind, sender: row.text(4),
            proof: SenderProof(row, at: 10), topic: row.text(5), size: row.integer(6),
            createdAt: Timestamp(microseconds: row.integer(7)), expiresAt: Timestamp(microseconds: row.integer(8)),
            isLeased: row.integer(9) == ItemState.held.code)
    }

    /// The statement that finds the unsettled item of that id in a mailbox of the agent.
    fileprivate static func selection(_ id: String, _ agent: String, _ change: Change) -> SQLStatement {
        let ending = " AND agent = ? AND state <= \(ItemState.held.code)" + change.dialect.lockingRows
        let parts = id.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, let sequence = Int64(parts[1]) {
            return SQLStatement(
                "SELECT \(Sweep.itemColumns) FROM item WHERE channel = ? AND sequence = ?" + ending,
                .text(String(parts[0])),
                .integer(sequence), .text(agent))
        }
        return SQLStatement(
            "SELECT \(Sweep.itemColumns) FROM item WHERE id = ?" + ending, .text(id), .text(agent))
    }
}

extension BlobDoom {
    /// Takes a blob out of use that is for `agent` and to which nothing refers. Whether there was one.
    fileprivate static func discard(_ id: String, of agent: String, _ change: Change) throws(JobFailure) -> Bool {
        let row = try change.row(
            "SELECT 1 FROM blob WHERE id = ? AND receiver = ? AND doomed = 0 AND uses = 0" + change.dialect.lockingRows,
            .text(id), .text(agent))
        guard row != nil else { return false }
        try doom(id, change)
        return true
    }
}

extension Inquiry {
    /// The first row of a statement.
    fileprivate func row(_ statement: SQLStatement) throws(JobFailure) -> SQLRow? {
        try execute([statement])[0].rows.first
    }
}
