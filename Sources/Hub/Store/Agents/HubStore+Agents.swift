package import Fabric

extension HubStore {
    /// Registers a name, or replaces the record of a name that has the same key.
    ///
    /// - Parameter drops: whether what came under a new name before is kept from its owner: what waits for it is removed,
    ///   and the channels that were opened in its name are closed. What others received stays with them.
    /// - Throws: `nameTaken`, `unstorable`.
    package func register(
        _ record: AgentRecord, droppingEarlier drops: Bool = true
    ) async throws(StoreError) -> Registration {
        try Self.check(record)
        let core = core
        return try await core.change { change throws(JobFailure) in
            guard let old = try change.agent(record.name, isLocked: true) else {
                var new = record
                // After every item that there is.
                new.registeredAt = Timestamp(microseconds: core.numbers.next(at: change.now) >> 10)
                if drops { try EarlierItems.drop(of: record.name, core, change) }
                new.updatedAt = new.registeredAt
                try Self.write(new, isNew: true, change)
                change.sums.add(1, to: .agentsRegistered)
                return .created
            }
            guard old.publicKey == record.publicKey else { throw .store(.nameTaken(record.name)) }
            var new = record
            new.previousKeys = old.previousKeys
            new.tier = old.tier
            new.trustScore = old.trustScore
            new.isSuspended = old.isSuspended
            new.suspensionReason = old.suspensionReason
            new.registeredAt = old.registeredAt
            new.updatedAt = Timestamp(microseconds: change.now)
            try Self.write(new, isNew: false, change)
            return .replaced
        }
    }

    private static func check(_ record: AgentRecord) throws(StoreError) {
        try Texts.checkName(record.name, "name")
        for text in [record.owner, record.endpoint, record.iPoll, record.description, record.suspensionReason] {
            try Texts.check(text, "record")
        }
        for text in record.capabilities + record.routes { try Texts.check(text, "record") }
    }

    private static func write(_ record: AgentRecord, isNew: Bool, _ change: Change) throws(JobFailure) {
        var statements: [SQLStatement] = []
        if !isNew {
            statements += [
                SQLStatement("DELETE FROM agent WHERE name = ?", .text(record.name)),
                SQLStatement("DELETE FROM word WHERE agent = ?", .text(record.name)),
            ]
        }
        statements.append(
            SQLStatement(
                "INSERT INTO agent (\(AgentRecord.columns)) VALUES \(ItemChoice.places(record.values.count))",
                arguments: record.values))
        statements += record.words.map { word in
            SQLStatement("INSERT INTO word (word, agent) VALUES (?, ?)", .text(word), .text(record.name))
        }
        _ = try change.change(statements)
    }

    /// Changes a record that is there.
    private func update(
        _ name: String, _ body: @escaping @Sendable (inout AgentRecord) throws(StoreError) -> Void
    ) async throws(StoreError) -> AgentRecord {
        guard (try? Texts.checkName(name, "name")) != nil else { throw .unknownAgent(name) }
        return try await core.change { change throws(JobFailure) in
            guard var record = try change.agent(name, isLocked: true) else { throw .store(.unknownAgent(name)) }
            do throws(StoreError) { try body(&record) } catch { throw .store(error) }
            record.updatedAt = Timestamp(microseconds: change.now)
            try Self.write(record, isNew: false, change)
            return record
        }
    }

    /// Replaces an agent's key by its successor.
    ///
    /// - Throws: `unknownAgent`, `keyChanged` when its key is not `old`.
    package func rotate(
        agent: String, from old: PublicKey, to new: PublicKey
    ) async throws(StoreError) -> AgentRecord {
        try await update(agent) { record throws(StoreError) in
            guard record.publicKey == old else { throw .keyChanged(agent) }
            record.previousKeys.append(old)
            record.publicKey = new
        }
    }

    /// Suspends an agent, or ends that.
    ///
    /// - Throws: `unknownAgent`, `unstorable`.
    package func setSuspended(
        _ isSuspended: Bool, agent: String, reason: String? = nil
    ) async throws(StoreError) -> AgentRecord {
        try Texts.check(reason, "reason")
        return try await update(agent) { record throws(StoreError) in
            record.isSuspended = isSuspended
            record.suspensionReason = isSuspended ? reason : nil
        }
    }

    /// Sets an agent's tier and trust.
    ///
    /// - Throws: `unknownAgent`.
    package func grant(agent: String, tier: Tier, trustScore: Double) async throws(StoreError) -> AgentRecord {
        try await update(agent) { record throws(StoreError) in
            record.tier = tier
            record.trustScore = trustScore
        }
    }

    /// The record; nil if nobody registered the name.
    package func agent(_ name: String) async throws(StoreError) -> AgentRecord? {
        guard (try? Texts.checkName(name, "name")) != nil else { return nil }
        return try await core.ask { inquiry throws(JobFailure) in try inquiry.agent(name, isLocked: false) }
    }

    /// The agent whose present key this is; the first in the order of names where several have it.
    package func agent(withKey key: PublicKey) async throws(StoreError) -> AgentRecord? {
        try await core.ask { inquiry throws(JobFailure) in
            try inquiry.row(
                "SELECT \(AgentRecord.columns) FROM agent WHERE public_key = ? ORDER BY name LIMIT 1", .text(key.hex)
            ).map { AgentRecord(row: $0) }
        }
    }

    /// Records in the order of names, after this name.
    package func agents(after name: String = "", limit: Int) async throws(StoreError) -> [AgentRecord] {
        try Texts.checkName(name, "name")
        return try await core.ask { inquiry throws(JobFailure) in
            try inquiry.rows(
                "SELECT \(AgentRecord.columns) FROM agent WHERE name > ? ORDER BY name LIMIT ?", .text(name),
                .integer(Int64(max(1, limit)))
            ).map { AgentRecord(row: $0) }
        }
    }

    /// Records that have, for every word of `text`, a word that begins so in name, capabilities, owner or description.
    /// In the order of names; of words that very many records have, not all are looked at.
    package func searchAgents(_ text: String, limit: Int) async throws(StoreError) -> [AgentRecord] {
        try Texts.check(text, "text")
        let words = Set(AgentRecord.words(in: text)).sorted { $0.utf8.count > $1.utf8.count }.prefix(8)
        guard !words.isEmpty else { return [] }
        let others = words.dropFirst().map { _ in
            " AND EXISTS (SELECT 1 FROM word o WHERE o.agent = w.agent AND o.word >= ? AND o.word < ?)"
        }
        // What begins so is what lies between the word and the word with the last character of all behind it.
        let bounds = words.flatMap { [SQLValue.text($0), .text($0 + "\u{10FFFF}")] }
        let statement = SQLStatement(
            """
            SELECT DISTINCT agent FROM (SELECT agent FROM word w WHERE w.word >= ? AND w.word < ?\(others.joined())
            ORDER BY word, agent LIMIT \(Self.mostCandidates)) found ORDER BY agent LIMIT ?
            """, arguments: bounds + [.integer(Int64(max(1, limit)))])
        return try await core.ask { inquiry throws(JobFailure) in
            let names = try inquiry.execute([statement])[0].rows.map { SQLValue.text($0.text(0)) }
            guard !names.isEmpty else { return [] }
            let selection = SQLStatement(
                "SELECT \(AgentRecord.columns) FROM agent WHERE name IN \(ItemChoice.places(names.count)) ORDER BY name",
                arguments: names)
            return try inquiry.execute([selection])[0].rows.map { AgentRecord(row: $0) }
        }
    }

    /// How many words a search looks at.
    private static let mostCandidates = 2000
}

extension Inquiry {
    /// The record; nil if nobody registered the name.
    func agent(_ name: String, isLocked: Bool) throws(JobFailure) -> AgentRecord? {
        try row(
            "SELECT \(AgentRecord.columns) FROM agent WHERE name = ?" + (isLocked ? dialect.lockingRows : ""),
            .text(name)
        ).map { AgentRecord(row: $0) }
    }
}
