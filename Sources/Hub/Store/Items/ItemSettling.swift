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
        let booking: Booking

        init(_ row: SQLRow, _ agent: String) {
            number = row.integer(0)
            kind = row.integer(1) == MailboxKind.mux.code ? .mux : .ipoll
            lease = row.text(2)
            record = LeaseRecord(
                state: ItemState(code: row.integer(3)) ?? .committed, due: row.integer(4),
                settled: LeaseRecord.Word(rawValue: row.integer(5)))
            size = row.integer(6)
            blob = row.optionalText(7)
            channel = row.optionalText(8)
            booking = Booking(
                account: SenderAccount(code: row.integer(9)), sender: row.text(10),
                mailbox: MailboxName(kind, of: agent))
        }
    }

    /// How the expiry of an item is set when it is settled; its argument is the end of the retention. What an unproven
    /// sender sent is kept no longer for that.
    static let expiry =
        "expires = CASE WHEN account = \(SenderAccount.unproven.code) THEN expires ELSE CAST(? AS BIGINT) END"

    /// Settles each of the leases for itself.
    func settle(_ leases: [String], _ change: Change) throws(JobFailure) -> [Result<Settled, StoreError>] {
        let names = leases.map { LeaseName($0) }
        let rows = try find(names.compactMap { $0?.number }, change)
        var results: [String: Result<Settled, StoreError>] = [:]
        var ended: [(lease: String, row: Row)] = []
        for (id, name) in zip(leases, names) where results[id] == nil {
            guard let name, let row = rows[name.number] else { continue }
            switch try judge(id, name, row, change) {
            case .told(let result): results[id] = result
            case .apply:
                if let word = LeaseRecord.Word(settlement), word != .release {
                    ended.append((id, row))
                    // Which channel it closes is known when all are written.
                    results[id] = .success(Settled(outcome: outcome(row, change), closedChannel: nil))
                } else {
                    results[id] = .success(try leave(name, row, change))
                }
            }
        }
        let closed = try finish(ended.map(\.row), change)
        for (id, row) in ended {
            guard let channel = row.channel, closed[channel] == row.number else { continue }
            results[id] = .success(Settled(outcome: outcome(row, change), closedChannel: channel))
        }
        return leases.map { results[$0] ?? .failure(.unknownLease($0)) }
    }

    private func find(_ numbers: [Int64], _ change: Change) throws(JobFailure) -> [Int64: Row] {
        // In one order, so that no two hubs wait for each other's rows in a circle.
        let numbers = Set(numbers).sorted()
        guard !numbers.isEmpty else { return [:] }
        let selection = SQLStatement(
            """
            SELECT number, kind, lease, state, due, settled, size, blob, channel, account, sender FROM item
            WHERE number IN \(ItemChoice.places(numbers.count)) AND agent = ? ORDER BY number\
            \(change.dialect.lockingRows)
            """, arguments: numbers.map { .integer($0) } + [.text(agent)])
        let rows = try change.execute([selection])[0].rows.map { Row($0, agent) }
        return Dictionary(rows.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private enum Judgement {
        /// The settlement is to be written.
        case apply
        /// Nothing is to be written; this is the answer.
        case told(Result<Settled, StoreError>)
    }

    private func judge(
        _ id: String, _ name: LeaseName, _ row: Row, _ change: Change
    ) throws(JobFailure) -> Judgement {
        guard row.lease == name.token else {
            // Released, and leased again since then: the release was heard.
            let isReleased = try change.row("SELECT 1 FROM released WHERE lease = ?", .text(id)) != nil
            guard isReleased else { return .told(.failure(.leaseLost(id))) }
            guard case .release = settlement else {
                return .told(.failure(.settledOtherwise(id, .release(after: .zero))))
            }
            return .told(
                .success(Settled(outcome: .waiting(from: Timestamp(microseconds: change.now)), closedChannel: nil)))
        }
        switch row.record.verdict(on: settlement, at: change.now) {
        case .lost: return .told(.failure(.leaseLost(id)))
        case .otherwise(let word): return .told(.failure(.settledOtherwise(id, word.settlement)))
        case .same: return .told(.success(Settled(outcome: outcome(row, change), closedChannel: nil)))
        case .apply: return .apply
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

    /// Writes a settlement that leaves the item where it is.
    private func leave(_ name: LeaseName, _ row: Row, _ change: Change) throws(JobFailure) -> Settled {
        guard case .extend(let time) = settlement else { return try release(name, row, change) }
        let until = change.now + max(1, time.microseconds)
        _ = try change.change("UPDATE item SET due = ? WHERE number = ?", .integer(until), .integer(row.number))
        return Settled(outcome: .leased(until: Timestamp(microseconds: until)), closedChannel: nil)
    }

    private func release(_ name: LeaseName, _ row: Row, _ change: Change) throws(JobFailure) -> Settled {
        var rest: Int64 = 0
        if case .release(let time) = settlement { rest = time.microseconds }
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

    /// Ends the matter of items, with as few statements as there can be: consumers settle many at once. Each channel that
    /// was closed by that, with the number of the item that was its last.
    private func finish(_ rows: [Row], _ change: Change) throws(JobFailure) -> [String: Int64] {
        guard !rows.isEmpty, let word = LeaseRecord.Word(settlement) else { return [:] }
        var reason: String?
        if case .refuse(let text) = settlement { reason = text }
        let isCommit = word == .commit
        let retention = isCommit ? core.configuration.settledRetention : core.configuration.refusedRetention
        let update = SQLStatement(
            "UPDATE item SET state = ?, settled = ?, reason = ?, \(Self.expiry) WHERE number IN "
                + ItemChoice.places(rows.count),
            arguments: [
                .integer((isCommit ? ItemState.committed : .refused).code), .integer(word.rawValue), .optional(reason),
                .integer(change.now + retention.microseconds),
            ] + rows.map { .integer($0.number) })
        _ = try change.change([update])
        // What was refused keeps its blob, for whoever looks at it.
        if isCommit { try BlobUse.end(rows.compactMap(\.blob), core, change) }
        for row in rows { row.booking.settle(row.size, in: &change.sums) }
        if !isCommit { change.sums.add(Int64(rows.count), to: .itemsRefused) }
        return try settleChannels(of: rows, refused: !isCommit, change)
    }

    private func settleChannels(
        of rows: [Row], refused: Bool, _ change: Change
    ) throws(JobFailure) -> [String: Int64] {
        var channels: [String: (count: Int64, last: Int64)] = [:]
        for row in rows {
            guard let channel = row.channel else { continue }
            channels[channel, default: (0, row.number)].count += 1
            channels[channel]?.last = row.number
        }
        var closed: [String: Int64] = [:]
        // In one order, so that no two hubs wait for each other's rows in a circle.
        for (channel, settled) in channels.sorted(by: { $0.key < $1.key }) {
            let isClosed = try ChannelClosing.settle(
                settled.count, refused: refused ? settled.count : 0, of: channel, core, change)
            if isClosed { closed[channel] = settled.last }
        }
        return closed
    }

    /// Commits the waiting frames of a channel that its readers were shown. How many there were.
    static func commitShown(
        of channel: Channel, _ core: StoreCore, _ change: Change
    ) throws(JobFailure) -> Int64 {
        let answer = try change.change([
            SQLStatement(
                """
                UPDATE item SET state = 2, settled = 1, \(expiry) WHERE channel = ? AND state = 0
                AND channel IS NOT NULL AND sequence <= (SELECT shown FROM channel WHERE id = ?)
                RETURNING size, blob, account
                """, .integer(change.now + core.configuration.settledRetention.microseconds), .text(channel.id),
                .text(channel.id))
        ])
        let rows = answer[0].rows
        try BlobUse.end(rows.compactMap { $0.optionalText(1) }, core, change)
        for row in rows {
            let booking = Booking(
                account: SenderAccount(code: row.integer(2)), sender: channel.agent,
                mailbox: MailboxName(.mux, of: channel.target))
            booking.settle(row.integer(0), in: &change.sums)
        }
        return Int64(rows.count)
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
