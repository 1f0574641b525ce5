internal import GRDB

/// One delivery in the hands of one attempt. Nobody else has it until the lease ends.
struct Claim: Sendable {
    let entry: OutboxEntry
    let owner: LeaseOwner
    /// How many plans in a row failed before.
    let planFailures: Int
    /// How its routes stand.
    let standings: [RouteStanding]
}

/// What a claim leads to.
enum ClaimResult: Sendable {
    /// It is the caller's.
    case claimed(Claim)
    /// It cannot be tried, and this is how it stands.
    case settled(OutboxEntry)
    /// Its row makes no sense, so it is quarantined.
    case unreadable(OutboxID, reason: String)
    /// Nothing is due. The time is when that changes by itself.
    case nothing(next: Int64?)
}

/// Whether a lease still holds, and what somebody wishes meanwhile.
enum LeaseStanding: Sendable, Equatable {
    case held
    case lost
    case wish(Outbox.Wish)
}

extension Outbox {
    /// Claims the delivery that has been due the longest, if one is.
    func claimNext() throws(OutboxError) -> ClaimResult {
        let due = try index.read { database in try Self.somethingIsDue(at: now, uptime: uptime, in: database) }
        // Most looks find nothing, and need not wait for who writes.
        guard due else { return .nothing(next: try nextEvent()) }
        let result = try index.write { database -> ClaimResult? in
            try expireDue(in: database)
            try releaseAllDead(in: database)
            let row = try Row.fetchOne(database, sql: Self.nextDue, arguments: [now])
            return try row.map { try claim(number: $0["number"], in: database) }
        }
        guard let result else { return .nothing(next: try nextEvent()) }
        configuration.hooks.pass(.claimed)
        return result
    }

    /// Claims one delivery now, whether its time has come or not.
    ///
    /// - Returns: `settled` when it is in no state to be tried, or somebody else is at it.
    func claim(_ id: OutboxID) throws(OutboxError) -> ClaimResult {
        let result = try index.write { database -> ClaimResult in
            let number = try number(id, in: database)
            try expireDue(in: database)
            try releaseIfDead(number, in: database)
            let entry = try entry(id, in: database)
            guard entry.state == .queued else { return .settled(entry) }
            return try claim(number: number, in: database)
        }
        if case .claimed = result { configuration.hooks.pass(.claimed) }
        return result
    }

    static let nextDue = """
        SELECT number FROM delivery INDEXED BY delivery_due WHERE state = 'queued' AND due <= ?
        ORDER BY due, number LIMIT 1
        """

    private static func somethingIsDue(at now: Int64, uptime: Int64, in database: Database) throws -> Bool {
        if try Row.fetchOne(database, sql: nextDue, arguments: [now]) != nil { return true }
        let expiry = try Int64.fetchOne(database, sql: nextExpiry)
        if let expiry, expiry <= now { return true }
        return try leases(in: database).contains { $0.isOver(at: uptime) }
    }

    static let nextExpiry = """
        SELECT expiry FROM delivery INDEXED BY delivery_expiry
        WHERE expiry IS NOT NULL AND state IN ('queued', 'held', 'waiting')
        ORDER BY expiry LIMIT 1
        """

    /// When something becomes due by itself; nil when nothing does.
    func nextEvent() throws(OutboxError) -> Int64? {
        try index.read { database in
            let due = try Int64.fetchOne(
                database,
                sql: """
                    SELECT due FROM delivery INDEXED BY delivery_due WHERE state = 'queued' ORDER BY due, number LIMIT 1
                    """)
            let expiry = try Int64.fetchOne(database, sql: Self.nextExpiry)
            return [due, expiry].compactMap { $0 }.min()
        }
    }

    private func claim(number: Int64, in database: Database) throws -> ClaimResult {
        let found = try Row.fetchOne(
            database, sql: "SELECT \(IndexRows.entryColumns) WHERE delivery.number = ?", arguments: [number])
        do {
            guard let found else { throw OutboxError.unknown("\(number)") }
            _ = try IndexRows.entry(found)
        } catch let error as OutboxError {
            // It would be the first in every queue, and keep all others from being tried.
            let reason = "its row in the index cannot be read: \(error.explanation)"
            try set(number, .quarantined, reason: reason, in: database)
            let id = try String.fetchOne(database, sql: "SELECT id FROM delivery WHERE number = ?", arguments: [number])
            return .unreadable(OutboxID(id ?? "\(number)"), reason: reason)
        }
        let owner = LeaseOwner.fresh()
        try database.execute(
            sql: """
                UPDATE delivery SET state = 'sending', reason = NULL, since = ?, lease_owner = ?, lease_until = ?,
                    wish = NULL
                WHERE number = ?
                """,
            arguments: [now, owner.text, uptime + configuration.leaseTime.milliseconds, number])
        let row = try Row.fetchOne(
            database, sql: "SELECT \(IndexRows.entryColumns) WHERE delivery.number = ?", arguments: [number])
        guard let row else { throw OutboxError.unknown("\(number)") }
        let standings = try Row.fetchAll(
            database, sql: "SELECT * FROM route WHERE delivery = ?", arguments: [number]
        ).map(IndexRows.standing)
        return .claimed(
            Claim(
                entry: try IndexRows.entry(row), owner: owner, planFailures: row["plan_failures"],
                standings: standings))
    }

    /// Says that the attempt goes on, and asks what somebody wishes meanwhile.
    func extend(_ claim: Claim) throws(OutboxError) -> LeaseStanding {
        try index.write { database in
            try database.execute(
                sql: "UPDATE delivery SET lease_until = ? WHERE id = ? AND lease_owner = ?",
                arguments: [uptime + configuration.leaseTime.milliseconds, claim.entry.id.text, claim.owner.text])
            guard database.changesCount == 1 else { return .lost }
            let wish = try String.fetchOne(
                database, sql: "SELECT wish FROM delivery WHERE id = ?", arguments: [claim.entry.id.text])
            return wish.flatMap { Wish(rawValue: $0) }.map { .wish($0) } ?? .held
        }
    }

    // MARK: - The dead

    private struct Lease {
        let number: Int64
        let owner: String?
        let until: Int64?

        func isOver(at uptime: Int64) -> Bool {
            guard let owner = owner.flatMap({ LeaseOwner($0) }), let until else { return true }
            return until <= uptime || owner.isDead
        }
    }

    private static func leases(in database: Database, of number: Int64? = nil) throws -> [Lease] {
        let condition = number.map { " AND number = \($0)" } ?? ""
        return try Row.fetchAll(
            database,
            sql: """
                SELECT number, lease_owner, lease_until FROM delivery INDEXED BY delivery_sending
                WHERE state = 'sending'\(condition)
                """
        ).map { Lease(number: $0["number"], owner: $0["lease_owner"], until: $0["lease_until"]) }
    }

    /// Puts what dead processes were sending back into the queue.
    func releaseAllDead(in database: Database) throws {
        for lease in try Self.leases(in: database) where lease.isOver(at: uptime) {
            try release(lease.number, in: database)
        }
    }

    func releaseIfDead(_ number: Int64, in database: Database) throws {
        for lease in try Self.leases(in: database, of: number) where lease.isOver(at: uptime) {
            try release(lease.number, in: database)
        }
    }

    /// What somebody wished of the dead is done now.
    private func release(_ number: Int64, in database: Database) throws {
        try database.execute(
            sql: "UPDATE attempt SET ended = ?, outcome = 'interrupted' WHERE delivery = ? AND ended IS NULL",
            arguments: [now, number])
        let wish = try String.fetchOne(
            database, sql: "SELECT wish FROM delivery WHERE number = ?", arguments: [number])
        switch wish.flatMap({ Wish(rawValue: $0) }) {
        case .cancel?: try set(number, .cancelled, reason: Self.cancelled, in: database)
        case .hold?: try set(number, .held, reason: "somebody held it", in: database)
        case nil: try set(number, .queued, reason: "the attempt was interrupted", due: now, in: database)
        }
    }

    /// Ends the deliveries whose time ran out.
    private func expireDue(in database: Database) throws {
        try database.execute(
            sql: """
                UPDATE delivery INDEXED BY delivery_expiry SET state = 'expired', since = ?, due = NULL,
                    reason = 'its time ran out' || CASE WHEN reason IS NULL THEN '' ELSE '; ' || reason END
                WHERE expiry IS NOT NULL AND state IN ('queued', 'held', 'waiting') AND expiry <= ?
                """,
            arguments: [now, now])
    }
}
