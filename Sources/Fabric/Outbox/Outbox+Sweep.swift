internal import GRDB

/// What a sweep found and did.
public struct SweepReport: Sendable, Equatable {
    /// Half-written files of processes that died.
    public var abandoned = 0
    /// Whole files that no delivery needs: their sender died before it ordered one, or after the last was done.
    public var unneeded = 0
    /// Deliveries whose file has gone, which are quarantined now.
    public var quarantined = 0
    /// Deliveries that were over for long enough and are forgotten now.
    public var forgotten = 0
}

extension Outbox {
    /// Removes what nobody needs, and quarantines what cannot be delivered any more.
    ///
    /// What is being sealed, and what waits, is never touched, whatever other processes do meanwhile.
    public func sweep() throws(OutboxError) -> SweepReport {
        var report = SweepReport()
        let (removed, whole) = try OutboxError.wrapping { () throws(SystemFailure) in try store.removeAbandoned() }
        report.abandoned = removed
        report.forgotten = try forget()
        let needed = try neededDigests()
        for digest in whole.filter({ !needed.contains($0) }).compactMap({ Digest(hex: $0) }) {
            if try removeIfUnneeded(digest) { report.unneeded += 1 }
        }
        report.quarantined = try quarantineLost(needed.subtracting(whole))
        try index.write { database in
            try IndexNotes.set("swept", to: now, in: database)
            try IndexNotes.set("swept-boot", to: LeaseOwner.currentBootNumber, in: database)
        }
        return report
    }

    /// The digests of all files that some delivery needs, so that only the others have to be looked at one by one.
    private func neededDigests() throws(OutboxError) -> Set<String> {
        let states = DeliveryState.allCases.filter(\.needsFile).map { "'\($0.rawValue)'" }.joined(separator: ", ")
        return try index.read { database in
            try String.fetchSet(database, sql: "SELECT digest FROM delivery WHERE state IN (\(states))")
        }
    }

    /// Removes the file with this digest if no delivery needs it; says whether it did.
    ///
    /// - Parameter lock: The lock on the file, where the caller has it.
    @discardableResult
    func removeIfUnneeded(_ digest: Digest, holding lock: OwnedFile? = nil) throws(OutboxError) -> Bool {
        // Whoever seals these bytes, or takes them in again, holds the lock until its deliveries are in the index.
        // Whoever gets the lock sees them, or nobody ordered any.
        guard let lock = lock ?? store.lockIfFree(digest) else { return false }
        defer { withExtendedLifetime(lock) {} }
        let removed = try index.write { database in
            let states = try String.fetchAll(
                database, sql: "SELECT DISTINCT state FROM delivery WHERE digest = ?", arguments: [digest.hex])
            let isNeeded = states.contains { DeliveryState(rawValue: $0)?.needsFile ?? true }
            guard !isNeeded, store.size(of: digest) != nil else { return false }
            // Inside the transaction, so that nobody can order a delivery of it in between.
            try store.remove(digest)
            return true
        }
        if removed { configuration.hooks.pass(.removed) }
        return removed
    }

    /// Quarantines what waits for its turn and has no file.
    private func quarantineLost(_ missing: Set<String>) throws(OutboxError) -> Int {
        guard !missing.isEmpty else { return 0 }
        return try index.write { database in
            var count = 0
            for digest in missing.compactMap({ Digest(hex: $0) }) where store.size(of: digest) == nil {
                let numbers = try Int64.fetchAll(
                    database,
                    sql: "SELECT number FROM delivery WHERE digest = ? AND state IN ('queued', 'held', 'waiting')",
                    arguments: [digest.hex])
                for number in numbers {
                    try set(number, .quarantined, reason: Self.fileIsGone, in: database)
                    count += 1
                }
            }
            return count
        }
    }

    static let fileIsGone = "its envelope is not in the outbox any more"

    /// Forgets what was over for long enough, the oldest first, and envelopes that nothing refers to any more.
    private func forget() throws(OutboxError) -> Int {
        let retention = configuration.retention
        return try index.write { database in
            let over = "state IN ('delivered', 'expired', 'cancelled')"
            try database.execute(
                sql: "DELETE FROM delivery WHERE \(over) AND since < ?", arguments: [now - retention.seconds * 1000])
            var count = database.changesCount
            try database.execute(
                sql: """
                    DELETE FROM delivery WHERE number IN
                        (SELECT number FROM delivery WHERE \(over) ORDER BY since DESC LIMIT -1 OFFSET ?)
                    """,
                arguments: [max(0, retention.count)])
            count += database.changesCount
            try database.execute(
                sql: """
                    DELETE FROM envelope WHERE NOT EXISTS
                        (SELECT 1 FROM delivery WHERE delivery.digest = envelope.digest)
                    """)
            try database.execute(
                sql: "DELETE FROM host WHERE coalesce(last_failure, 0) < ? AND failures > 0",
                arguments: [now - retention.seconds * 1000])
            return count
        }
    }
}
