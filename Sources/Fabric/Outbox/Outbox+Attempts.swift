internal import GRDB

/// What the index is told of an attempt while it goes on.
extension Outbox {
    /// What was observed of these hosts.
    func health(of hosts: Set<String>) throws(OutboxError) -> [String: HostHealth] {
        try index.read { database in
            var found: [String: HostHealth] = [:]
            for host in hosts { found[host] = try health(of: host, in: database) }
            return found
        }
    }

    private func health(of host: String, in database: Database) throws -> HostHealth? {
        try Row.fetchOne(database, sql: "SELECT * FROM host WHERE name = ?", arguments: [host]).map(IndexRows.health)
    }

    private func store(_ health: HostHealth, of host: String, in database: Database) throws {
        try database.execute(
            sql: """
                INSERT OR REPLACE INTO host (name, failures, last_failure, open_until, latency)
                VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [host, health.failures, health.lastFailure, health.openUntil, health.latency])
    }

    /// Writes down that a route is tried.
    ///
    /// - Returns: The number of the attempt; nil when the lease is lost, or somebody else makes the trial of this host.
    func begin(_ choice: RouteOrder.Choice, of claim: Claim, isUrgent: Bool) throws(OutboxError) -> Int64? {
        let route = choice.planned.route
        let number = try index.write { database -> Int64? in
            guard let delivery = try ownNumber(claim, in: database) else { return nil }
            if choice.isTrial {
                var health = try health(of: route.host, in: database) ?? HostHealth()
                let gate = health.gate(at: now, rules: configuration.circuit)
                if !isUrgent, case .open = gate { return nil }
                health.beginTrial(at: now, rules: configuration.circuit)
                try store(health, of: route.host, in: database)
            }
            try database.execute(
                sql: "INSERT INTO attempt (delivery, scheme, address, origin, started) VALUES (?, ?, ?, ?, ?)",
                arguments: [delivery, route.scheme, route.address, choice.planned.origin.description, now])
            let number = database.lastInsertedRowID
            try database.execute(
                sql: "UPDATE delivery SET attempts = attempts + 1 WHERE number = ?", arguments: [delivery])
            return number
        }
        if number != nil { configuration.hooks.pass(.begun) }
        return number
    }

    /// Writes down that an attempt failed, and how its route and its host stand now.
    func end(
        _ attempt: Int64, along route: Route, of claim: Claim, _ error: CarrierError, standing: RouteStanding?
    ) throws(OutboxError) {
        try index.write { database in
            try database.execute(
                sql: "UPDATE attempt SET ended = ?, outcome = ?, action = ?, explanation = ? WHERE number = ?",
                arguments: [now, error.kind.name, error.action.name, error.description, attempt])
            var health = try health(of: route.host, in: database) ?? HostHealth()
            health.failed(error.kind, at: now, rules: configuration.circuit, jitter: configuration.random())
            try store(health, of: route.host, in: database)
            guard let standing, let delivery = try ownNumber(claim, in: database) else { return }
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO route (delivery, scheme, address, failures, not_before, ruled_out, reason)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    delivery, route.scheme, route.address, standing.failures, standing.notBefore?.milliseconds,
                    standing.isRuledOut, standing.reason,
                ])
        }
    }

    /// Writes down a receipt, and with it what it means for the delivery, in one step.
    ///
    /// Also when the lease was lost meanwhile: a receipt is true whoever brings it.
    func settle(
        _ claim: Claim, attempt: Int64, with receipt: DeliveryReceipt, after duration: Int64
    ) throws(OutboxError) -> OutboxEntry {
        let entry = try index.write { database in
            let delivery = try number(claim.entry.id, in: database)
            try database.execute(
                sql: "UPDATE attempt SET ended = ?, outcome = 'delivered', strength = ? WHERE number = ?",
                arguments: [now, receipt.strength.rawValue, attempt])
            try insert(receipt, of: delivery, in: database)
            var health = try health(of: receipt.route.host, in: database) ?? HostHealth()
            health.succeeded(after: duration)
            try store(health, of: receipt.route.host, in: database)
            try database.execute(
                sql: "UPDATE delivery SET reached = max(coalesce(reached, 0), ?) WHERE number = ?",
                arguments: [receipt.strength.rawValue, delivery])
            let before = try self.entry(claim.entry.id, in: database)
            if before.state != .delivered {
                let isDone =
                    try before.wanted.isMet(by: before.reached ?? receipt.strength)
                    || isAcknowledged(delivery, in: database)
                let reason = isDone ? nil : "the far side has confirmed '\(receipt.strength)' so far"
                try set(delivery, isDone ? .delivered : .waiting, reason: reason, in: database)
                try database.execute(sql: "DELETE FROM route WHERE delivery = ?", arguments: [delivery])
            }
            return try self.entry(claim.entry.id, in: database)
        }
        configuration.hooks.pass(.recorded)
        if entry.state == .delivered { try removeIfUnneeded(entry.digest) }
        bell.ring()
        return entry
    }

    private func insert(_ receipt: DeliveryReceipt, of delivery: Int64, in database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO receipt (delivery, date, strength, scheme, address, stored_name, far_digest,
                    was_duplicate, resumed_from, signed)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                delivery, now, receipt.strength.rawValue, receipt.route.scheme, receipt.route.address,
                receipt.storedName, receipt.farDigest?.hex, receipt.wasDuplicate, receipt.resumedFrom,
                receipt.signed?.text,
            ])
    }

    /// Lets go of a delivery that did not come through. Does nothing when the lease is lost: somebody else has it.
    func release(_ claim: Claim, to ending: DeliveryWalk.Ending, planFailures: Int) throws(OutboxError) -> OutboxEntry {
        let entry = try index.write { database in
            guard let delivery = try ownNumber(claim, in: database) else {
                return try self.entry(claim.entry.id, in: database)
            }
            let wish = try String.fetchOne(
                database, sql: "SELECT wish FROM delivery WHERE number = ?", arguments: [delivery])
            try database.execute(
                sql: "UPDATE delivery SET plan_failures = ? WHERE number = ?", arguments: [planFailures, delivery])
            if try isAcknowledged(delivery, in: database) {
                // It had come through before, and its receiver has said so meanwhile.
                try set(delivery, .delivered, reason: nil, in: database)
                return try self.entry(claim.entry.id, in: database)
            }
            switch (wish.flatMap { Wish(rawValue: $0) }, ending) {
            case (.cancel?, _): try set(delivery, .cancelled, reason: Self.cancelled, in: database)
            case (.hold?, _): try set(delivery, .held, reason: "somebody held it", in: database)
            case (nil, .again(let time, let reason)):
                try set(delivery, .queued, reason: reason, due: time, in: database)
            case (nil, .hold(let reason)): try set(delivery, .held, reason: reason, in: database)
            case (nil, .quarantine(let reason)): try set(delivery, .quarantined, reason: reason, in: database)
            case (nil, .cancelled), (nil, .received):
                try set(delivery, .queued, reason: "the attempt was stopped", due: now, in: database)
            }
            return try self.entry(claim.entry.id, in: database)
        }
        if !entry.state.needsFile { try removeIfUnneeded(entry.digest) }
        bell.ring()
        return entry
    }

    /// Remembers the key with which the receiver signs, where a plan knew it.
    func remember(receiverKey key: PublicKey, of claim: Claim) throws(OutboxError) {
        guard claim.entry.receiverKey != key else { return }
        try index.write { database in
            try database.execute(
                sql: "UPDATE delivery SET receiver_key = ? WHERE id = ? AND lease_owner = ?",
                arguments: [key.hex, claim.entry.id.text, claim.owner.text])
        }
    }

    /// Whether the receiver has acknowledged it.
    private func isAcknowledged(_ delivery: Int64, in database: Database) throws -> Bool {
        try Bool.fetchOne(
            database,
            sql: "SELECT EXISTS (SELECT 1 FROM receipt WHERE delivery = ? AND acknowledgement IS NOT NULL)",
            arguments: [delivery]) ?? false
    }

    /// The delivery's number as long as the claim holds.
    private func ownNumber(_ claim: Claim, in database: Database) throws -> Int64? {
        try Int64.fetchOne(
            database, sql: "SELECT number FROM delivery WHERE id = ? AND lease_owner = ?",
            arguments: [claim.entry.id.text, claim.owner.text])
    }
}
