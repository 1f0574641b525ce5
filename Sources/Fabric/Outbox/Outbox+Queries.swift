internal import GRDB

/// Which deliveries to show.
public enum OutboxFilter: Sendable, Equatable {
    /// Those for which something is still to happen.
    case open
    /// Those in one state.
    case state(DeliveryState)
    /// All that are remembered.
    case all

    /// The index of the schema that has them in their order; nil for the table itself.
    var index: String? {
        switch self {
        case .open: "delivery_open"
        case .state: "delivery_state"
        case .all: nil
        }
    }

    /// The condition, spelled like the index's own: only so SQLite sees that they are the same.
    var condition: String {
        switch self {
        case .open: "delivery.state IN ('queued', 'sending', 'held', 'waiting', 'quarantined')"
        case .state(let state): "delivery.state = '\(state.rawValue)'"
        case .all: "1"
        }
    }
}

extension Outbox {
    /// Deliveries, the oldest first.
    ///
    /// - Parameters:
    ///   - limit: How many at the most.
    ///   - last: The last one of the page before; nil for the first page.
    ///   - unreadable: Told of each delivery on the page whose row makes no sense, and why; such a delivery is left out.
    public func list(
        _ filter: OutboxFilter = .open, limit: Int = 1000, after last: OutboxID? = nil,
        unreadable: (OutboxID, String) -> Void = { _, _ in }
    ) throws(OutboxError) -> [OutboxEntry] {
        try index.read { database in
            let position = try last.flatMap {
                try Int64.fetchOne(database, sql: "SELECT number FROM delivery WHERE id = ?", arguments: [$0.text])
            }
            return try Row.fetchAll(
                database, sql: Self.listing(filter), arguments: [position ?? 0, max(0, limit)]
            ).compactMap { row in
                do {
                    return try IndexRows.entry(row)
                } catch let error as OutboxError {
                    unreadable(OutboxID(row["id"]), error.explanation)
                    return nil
                }
            }
        }
    }

    static func listing(_ filter: OutboxFilter) -> String {
        """
        SELECT \(IndexRows.entryColumns(by: filter.index))
        WHERE \(filter.condition) AND delivery.number > ? ORDER BY delivery.number LIMIT ?
        """
    }

    /// How many deliveries there are in each state; states without any are left out.
    public func counts() throws(OutboxError) -> [DeliveryState: Int] {
        try index.read { database in
            let rows = try Row.fetchAll(database, sql: "SELECT state, count(*) AS n FROM delivery GROUP BY state")
            return Dictionary(
                rows.compactMap { row in DeliveryState(rawValue: row["state"]).map { ($0, row["n"]) } },
                uniquingKeysWith: { $1 })
        }
    }

    /// The delivery that `text` names: an id or the beginning of one (3 characters at least), a transfer id, or a digest
    /// in hexadecimal, with `sha256:` before it or not.
    ///
    /// - Throws: `unknown` or `ambiguous`.
    public func find(_ text: String) throws(OutboxError) -> OutboxID {
        let ids = try index.read { database in try Self.ids(named: text, in: database) }
        guard let first = ids.first else { throw .unknown(text) }
        guard ids.count == 1 else { throw .ambiguous(text, ids: ids) }
        return first
    }

    private static func ids(named text: String, in database: Database) throws -> [OutboxID] {
        let lowered = text.lowercased()
        let digest = lowered.hasPrefix("sha256:") ? String(lowered.dropFirst(7)) : lowered
        var condition: (sql: String, arguments: StatementArguments)?
        if Digest(hex: digest) != nil {
            condition = ("delivery.digest = ?", [digest])
        } else if TransferID(lowered) != nil {
            condition = ("envelope.transfer_id = ?", [lowered])
        } else if (3...OutboxID.length).contains(lowered.utf8.count),
            lowered.utf8.allSatisfy(OutboxID.alphabet.contains)
        {
            // Every id that begins so is below what begins with the next.
            condition = ("delivery.id >= ? AND delivery.id < ?", [lowered, lowered + "~"])
        }
        guard let condition else { return [] }
        return try String.fetchAll(
            database,
            sql: """
                SELECT delivery.id FROM delivery JOIN envelope ON envelope.digest = delivery.digest
                WHERE \(condition.sql) ORDER BY delivery.number LIMIT 10
                """,
            arguments: condition.arguments
        ).map { OutboxID($0) }
    }

    /// One delivery as it stands now.
    public func entry(_ id: OutboxID) throws(OutboxError) -> OutboxEntry {
        try index.read { database in try entry(id, in: database) }
    }

    /// Everything about one delivery.
    public func detail(_ id: OutboxID) throws(OutboxError) -> OutboxDetail {
        try index.read { database in
            let number = try number(id, in: database)
            func rows(_ sql: String) throws -> [Row] { try Row.fetchAll(database, sql: sql, arguments: [number]) }
            return OutboxDetail(
                entry: try entry(id, in: database),
                attempts: try rows("SELECT * FROM attempt WHERE delivery = ? ORDER BY number").map(IndexRows.attempt),
                routes: try rows("SELECT * FROM route WHERE delivery = ?").map(IndexRows.standing),
                receipts: try rows("SELECT * FROM receipt WHERE delivery = ? ORDER BY number").map(IndexRows.receipt))
        }
    }

    func entry(_ id: OutboxID, in database: Database) throws -> OutboxEntry {
        let row = try Row.fetchOne(
            database, sql: "SELECT \(IndexRows.entryColumns) WHERE delivery.id = ?", arguments: [id.text])
        guard let row else { throw OutboxError.unknown(id.text) }
        return try IndexRows.entry(row)
    }

    func number(_ id: OutboxID, in database: Database) throws -> Int64 {
        let number = try Int64.fetchOne(
            database, sql: "SELECT number FROM delivery WHERE id = ?", arguments: [id.text])
        guard let number else { throw OutboxError.unknown(id.text) }
        return number
    }
}
