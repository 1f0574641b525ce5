internal import Fabric

/// Writes what became of items.
struct ItemSettling {
    let core: StoreCore
    let agent: String
    let settlement: Settlement

    /// An item that is about to be settled.
    private struct Row {
        let number: Int64
        let kind: MailboxKind
        let lease: String
        let record: LeaseRecord
        let size: Int64
        let blob: String?
        let channel: String?

        init(_ row: SQLRow) {
            number = row.integer(0)
            kind = row.integer(1) == MailboxKind.mux.code ? .mux : .ipoll
            lease = row.text(2)
            record = LeaseRecord(
                state: ItemState(code: row.integer(3)) ?? .committed, due: row.integer(4),
                settled: LeaseRecord.Word(rawValue: row.integer(5)))
            size = row.integer(6)
            blob = row.optionalText(7)
            channel = row.optionalText(8)
        }
    }

    /// Settles each of the leases for itself.
    func settle(_ leases: [String], _ change: Change) throws(JobFailure) -> [Result<Settled, StoreError>] {
        let names = leases.map { LeaseName($0) }
        let rows = try find(names.compactMap { $0?.number }, change)
        var results: [String: Result<Settled, StoreError>] = [:]
        for (id, name) in zip(leases, names) where results[id] == nil {
            guard let name, let row = rows[name.number] else { continue }
            results[id] = try settle(id, name, row, change)
        }
        return leases.map { results[$0] ?? .failure(.unknownLease($0)) }
    }

    private func find(_ numbers: [Int64], _ change: Change) throws(JobFailure) -> [Int64: Row] {
        // In one order, so that no two hubs wait for each other's rows in a circle.
        let numbers = Set(numbers).sorted()
        guard !numbers.isEmpty else { return [:] }
        let selection = SQLStatement(
            """
            SELECT number, kind, lease, state, due, settled, size, blob, channel FROM item
            WHERE number IN \(ItemChoice.places(numbers.count)) AND agent = ? ORDER BY number\
            \(change.dialect.lockingRows)
            """, arguments: numbers.map { .integer($0) } + [.text(agent)])
        let rows = try change.execute([selection])[0].rows.map { Row($0) }
        return Dictionary(rows.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func settle(
        _ id: String, _ name: LeaseName, _ row: Row, _ change: Change
    ) throws(JobFailure) -> Result<Settled, StoreError> {
        guard row.lease == name.token else {
            // Released, and leased again since then: the release was heard.
            let isReleased = try change.row("SELECT 1 FROM released WHERE lease = ?", .text(id)) != nil
            guard isReleased else { return .failure(.leaseLost(id)) }
            guard case .release = settlement else { return .failure(.settledOtherwise(id, .release(after: .zero))) }
            return .success(Settled(outcome: .waiting(from: Timestamp(microseconds: change.now)), closedChannel: nil))
        }
        switch row.record.verdict(on: settlement, at: change.now) {
        case .lost: return .failure(.leaseLost(id))
        case .otherwise(let word): return .failure(.settledOtherwise(id, word.settlement))
        case .same: return .success(Settled(outcome: outcome(row, change), closedChannel: nil))
        case .apply: return .success(try apply(name, row, change))
        }
    }

    private func outcome(_ row: Row, _ change: Change) -> Settled.Outcome {
        switch settlement {
        case .commit: .committed
        case .refuse: .refused
        case .extend(let time): .leased(until: Timestamp(microseconds: change.now + time.microseconds))
        case .release: .waiting(from: Timestamp(microseconds: max(row.record.due, 0)))
        }
    }

    private func apply(_ name: LeaseName, _ row: Row, _ change: Change) throws(JobFailure) -> Settled {
        switch settlement {
        case .commit:
            let closed = try finish(row, .commit, reason: nil, change)
            return Settled(outcome: .committed, closedChannel: closed)
        case .refuse(let reason):
            let closed = try finish(row, .refuse, reason: reason, change)
            change.sums.add(1, to: .itemsRefused)
            return Settled(outcome: .refused, closedChannel: closed)
        case .extend(let time):
            let until = change.now + max(1, time.microseconds)
            _ = try change.change(
                "UPDATE item SET due = ? WHERE number = ?", .integer(until), .integer(row.number))
            return Settled(outcome: .leased(until: Timestamp(microseconds: until)), closedChannel: nil)
        case .release(let rest):
            return try release(name, row, after: rest.microseconds, change)
        }
    }

    private func release(
        _ name: LeaseName, _ row: Row, after rest: Int64, _ change: Change
    ) throws(JobFailure) -> Settled {
        let due = change.now + rest
        _ = try change.change([
            SQLStatement(
                "UPDATE item SET state = ?, due = ?, settled = 2 WHERE number = ?",
                .integer(rest > 0 ? ItemState.held.code : ItemState.waiting.code), .integer(due), .integer(row.number)),
            SQLStatement(
                "INSERT INTO released (lease, expires) VALUES (?, ?) ON CONFLICT (lease) DO NOTHING", .text(name.text),
                .integer(due + core.configuration.idempotencyRetention.microseconds)),
        ])
        if rest <= 0 { change.sums.hint(at: MailboxName(row.kind, of: agent)) }
        return Settled(outcome: .waiting(from: Timestamp(microseconds: due)), closedChannel: nil)
    }

    /// Ends the matter of one item. The channel that was closed by it, if one was.
    private func finish(
        _ row: Row, _ word: LeaseRecord.Word, reason: String?, _ change: Change
    ) throws(JobFailure) -> String? {
        let state: ItemState = word == .commit ? .committed : .refused
        let retention =
            word == .commit ? core.configuration.settledRetention : core.configuration.refusedRetention
        var statements = [
            SQLStatement(
                "UPDATE item SET state = ?, settled = ?, reason = ?, expires = ? WHERE number = ?",
                .integer(state.code), .integer(word.rawValue), .optional(reason),
                .integer(change.now + retention.microseconds), .integer(row.number))
        ]
        // What was refused keeps its blob, for whoever looks at it.
        if word == .commit, let blob = row.blob {
            statements.append(BlobUse.end(blob, 1, after: core.configuration.settledBlobRetention, at: change.now))
        }
        _ = try change.change(statements)
        change.sums.add(items: -1, bytes: -row.size, to: MailboxName(row.kind, of: agent))
        guard let channel = row.channel else { return nil }
        let isClosed = try ChannelClosing.settle(1, refused: word == .refuse ? 1 : 0, of: channel, core, change)
        return isClosed ? channel : nil
    }

    /// Commits the waiting frames of a channel that its readers were shown. How many there were, and their bytes.
    static func commitShown(
        of channel: Channel, _ core: StoreCore, _ change: Change
    ) throws(JobFailure) -> (count: Int64, bytes: Int64) {
        let answer = try change.change([
            SQLStatement(
                """
                UPDATE item SET state = 2, settled = 1, expires = ? WHERE channel = ? AND state = 0
                AND channel IS NOT NULL AND sequence <= (SELECT shown FROM channel WHERE id = ?)
                RETURNING size, blob
                """, .integer(change.now + core.configuration.settledRetention.microseconds), .text(channel.id),
                .text(channel.id))
        ])
        let rows = answer[0].rows
        try BlobUse.end(rows.compactMap { $0.optionalText(1) }, core, change)
        return (Int64(rows.count), rows.reduce(0) { $0 + $1.integer(0) })
    }
}

extension LeaseRecord.Word {
    /// The settlement that it stands for, without its duration or reason.
    var settlement: Settlement {
        switch self {
        case .commit: .commit
        case .release: .release(after: .zero)
        case .refuse: .refuse("")
        }
    }
}
