internal import GRDB
internal import SystemPackage

/// What a person decides about a delivery. Each returns the delivery as it stands afterwards.
extension Outbox {
    /// Why a delivery is cancelled, as it is kept with it.
    static let cancelled = "cancelled by the operator"

    /// Has it tried again at once, whatever it rests for; also one that waits for a stronger receipt.
    public func retry(_ id: OutboxID) throws(OutboxError) -> OutboxEntry {
        try change(id, from: [.queued, .held, .waiting], asked: "retried") { database, number in
            try requeue(number, in: database)
        }
    }

    /// Keeps it from being tried until it is released. One that is under way stops.
    public func hold(_ id: OutboxID, because reason: String = "somebody held it") throws(OutboxError) -> OutboxEntry {
        try change(id, from: [.queued, .held], whileSending: .hold, asked: "held") { database, number in
            try set(number, .held, reason: reason, in: database)
        }
    }

    /// Lets one that is held be tried again.
    public func release(_ id: OutboxID) throws(OutboxError) -> OutboxEntry {
        try change(id, from: [.held], asked: "released") { database, number in try requeue(number, in: database) }
    }

    /// Calls it off. One that is under way stops, and is called off unless it came through before.
    public func cancel(_ id: OutboxID) throws(OutboxError) -> OutboxEntry {
        let entry = try change(
            id, from: [.queued, .held, .waiting, .quarantined, .expired], whileSending: .cancel, asked: "cancelled"
        ) { database, number in
            try set(number, .cancelled, reason: Self.cancelled, in: database)
        }
        if !entry.state.needsFile { try removeIfUnneeded(entry.digest) }
        return entry
    }

    /// Takes it out of the quarantine, or from among the expired, and has it tried again.
    public func replay(_ id: OutboxID) throws(OutboxError) -> OutboxEntry {
        try change(id, from: [.quarantined, .expired], asked: "replayed") { database, number in
            let entry = try entry(id, in: database)
            guard store.size(of: entry.digest) == entry.size else {
                throw OutboxError.system(SystemFailure("cannot replay '\(id)'", .noSuchFileOrDirectory))
            }
            try database.execute(
                sql: "UPDATE delivery SET expiry = NULL WHERE number = ? AND expiry <= ?", arguments: [number, now])
            try requeue(number, in: database)
        }
    }

    /// Sends it to another target, as a new order would: what is known of the routes and of the receiver's key is forgotten.
    /// The envelope stays as it was sealed, also its addressee.
    public func redirect(_ id: OutboxID, to target: DeliveryTarget) throws(OutboxError) -> OutboxEntry {
        try change(id, from: [.queued, .held, .waiting, .quarantined], asked: "redirected") { database, number in
            try database.execute(
                sql: """
                    UPDATE delivery SET target = ?, transport = ?, minimum_trust = ?, uses_lookup = ?, options = ?,
                        receiver_key = NULL, reached = NULL
                    WHERE number = ?
                    """,
                arguments: [
                    target.text, target.transport, target.minimumTrust, target.usesLookup,
                    try IndexRows.text(ofOptions: target.options), number,
                ])
            try requeue(number, in: database)
        }
    }

    /// What is asked of a process that is sending.
    enum Wish: String, Sendable {
        case hold, cancel
    }

    private func change(
        _ id: OutboxID, from states: Set<DeliveryState>, whileSending wish: Wish? = nil, asked: String,
        _ body: (Database, Int64) throws -> Void
    ) throws(OutboxError) -> OutboxEntry {
        let changed = try index.write { database in
            let number = try number(id, in: database)
            try releaseIfDead(number, in: database)
            let entry = try entry(id, in: database)
            if let wish, entry.state == .sending {
                try database.execute(
                    sql: "UPDATE delivery SET wish = ? WHERE number = ?", arguments: [wish.rawValue, number])
            } else {
                guard states.contains(entry.state) else { throw OutboxError.wrongState(id, entry.state, asked: asked) }
                try body(database, number)
            }
            return try self.entry(id, in: database)
        }
        bell.ring()
        return changed
    }

    /// Puts a delivery into a state in which nobody is at it.
    func set(
        _ number: Int64, _ state: DeliveryState, reason: String?, due: Int64? = nil, in database: Database
    ) throws {
        try database.execute(
            sql: """
                UPDATE delivery SET state = ?, reason = ?, since = ?, due = ?, lease_owner = NULL, lease_until = NULL,
                    wish = NULL
                WHERE number = ?
                """,
            arguments: [state.rawValue, reason, now, due, number])
    }

    /// Has a delivery tried at once, along every route.
    private func requeue(_ number: Int64, in database: Database) throws {
        try database.execute(sql: "DELETE FROM route WHERE delivery = ?", arguments: [number])
        try database.execute(sql: "UPDATE delivery SET plan_failures = 0 WHERE number = ?", arguments: [number])
        try set(number, .queued, reason: nil, due: now, in: database)
    }
}
