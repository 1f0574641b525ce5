internal import Fabric

extension HubStore {
    /// Stores a message for its recipient.
    ///
    /// - Throws: `quotaReached`, `blobIncomplete`, `unstorable`, `keyReused`.
    package func push(_ draft: MessageDraft, key: IdempotencyKey? = nil) async throws(StoreError) -> PushedMessage {
        try MessagePushing.check(draft)
        try RememberedAnswer.check(key)
        let core = core
        return try await core.change { change throws(JobFailure) in
            let operation = "push"
            if let answer = try RememberedAnswer.find(key, operation: operation, change) {
                return PushedMessage(
                    id: answer.reference, createdAt: Timestamp(microseconds: answer.created), sentThisHour: 0,
                    wasReplay: true)
            }
            return try MessagePushing(draft: draft, key: key, operation: operation, core: core).push(change)
        }
    }

    /// Marks a message as responded to, which settles it unless it is settled, and stores the answer; both or none.
    ///
    /// - Throws: `unknownMessage` unless it is for `agent`; those of `push`.
    package func respond(
        to id: String, by agent: String, with answer: MessageDraft
    ) async throws(StoreError) -> PushedMessage {
        guard (try? Texts.checkName(id, "message")) != nil else { throw .unknownMessage(id) }
        try MessagePushing.check(answer)
        let core = core
        return try await core.change { change throws(JobFailure) in
            let row = try change.row(
                "SELECT number, state, size, blob, account, sender FROM item WHERE id = ? AND agent = ?"
                    + change.dialect.lockingRows,
                .text(id), .text(agent))
            guard let row else { throw .store(.unknownMessage(id)) }
            let pushing = MessagePushing(draft: answer, key: nil, operation: "push", core: core)
            let pushed = try pushing.push(change)
            try Self.respond(row, agent, core, change)
            return pushed
        }
    }

    private static func respond(
        _ row: SQLRow, _ agent: String, _ core: StoreCore, _ change: Change
    ) throws(JobFailure) {
        let number = row.integer(0)
        guard row.integer(1) <= ItemState.held.code else {
            _ = try change.change(
                "UPDATE item SET responded = ? WHERE number = ?", .integer(change.now), .integer(number))
            return
        }
        // Whoever holds a lease on it and commits says the same once more.
        var statements = [
            SQLStatement(
                "UPDATE item SET responded = ?, state = 2, settled = 1, \(ItemSettling.expiry) WHERE number = ?",
                .integer(change.now), .integer(change.now + core.configuration.settledRetention.microseconds),
                .integer(number))
        ]
        if let blob = row.optionalText(3) {
            statements.append(BlobUse.end(blob, 1, after: core.configuration.settledBlobRetention, at: change.now))
        }
        _ = try change.change(statements)
        let booking = Booking(
            account: SenderAccount(code: row.integer(4)), sender: row.text(5), mailbox: MailboxName(.ipoll, of: agent))
        booking.settle(row.integer(2), in: &change.sums)
    }

    /// Waiting messages of a mailbox, oldest first.
    ///
    /// - Parameter after: only those after the message with this id, for paging; an unknown id is like none.
    /// - Parameter marksRead: whether those that are given are read with that.
    package func pull(
        agent: String, filter: MessageFilter = .all, after: String? = nil, limit: Int, marksRead: Bool
    ) async throws(StoreError) -> [Message] {
        try Texts.checkName(agent, "agent")
        let after = (try? Texts.checkName(after, "message")) == nil ? nil : after
        let waiting = WaitingItems(mailbox: MailboxName(.ipoll, of: agent), topics: filter.topics)
        let core = core
        let limit = max(1, limit)
        let bytes = core.configuration.answerBytes
        guard marksRead else {
            return try await core.ask { inquiry throws(JobFailure) in
                let waiting = try waiting.beginning(after: after, inquiry)
                return try inquiry.messages(try waiting.find(limit: limit, bytes: bytes, inquiry))
            }
        }
        return try await core.change { change throws(JobFailure) in
            let waiting = try waiting.beginning(after: after, change)
            let numbers = try waiting.find(
                limit: limit, bytes: bytes, ending: change.dialect.takingRows, change)
            return try Self.markRead(numbers, agent, core, change)
        }
    }

    private static func markRead(
        _ numbers: [Int64], _ agent: String, _ core: StoreCore, _ change: Change
    ) throws(JobFailure) -> [Message] {
        guard !numbers.isEmpty else { return [] }
        let marking = SQLStatement(
            """
            UPDATE item SET state = 2, settled = 1, \(ItemSettling.expiry)
            WHERE number IN \(ItemChoice.places(numbers.count)) RETURNING size, blob, account, sender
            """,
            arguments: [.integer(change.now + core.configuration.settledRetention.microseconds)]
                + numbers.map { .integer($0) })
        let rows = try change.change([marking])[0].rows
        try BlobUse.end(rows.compactMap { $0.optionalText(1) }, core, change)
        for row in rows {
            let booking = Booking(
                account: SenderAccount(code: row.integer(2)), sender: row.text(3),
                mailbox: MailboxName(.ipoll, of: agent))
            booking.settle(row.integer(0), in: &change.sums)
        }
        return try change.messages(numbers)
    }

    /// The message; nil if there is none.
    package func message(_ id: String) async throws(StoreError) -> Message? {
        guard (try? Texts.checkName(id, "message")) != nil else { return nil }
        return try await core.ask { inquiry throws(JobFailure) in
            try inquiry.row(
                "SELECT \(Message.columns) FROM item i JOIN body b ON b.number = i.number WHERE i.id = ?", .text(id)
            ).map { Message(row: $0) }
        }
    }

    /// Messages of the past, newest first.
    package func history(_ query: HistoryQuery) async throws(StoreError) -> [Message] {
        try Texts.checkName(query.agent, "agent")
        try Texts.checkName(query.session, "session")
        let bytes = core.configuration.answerBytes
        return try await core.ask { inquiry throws(JobFailure) in
            let rows = try inquiry.execute(query.statements).flatMap(\.rows)
            // One to oneself is found from both sides.
            let numbers = Dictionary(rows.map { ($0.integer(0), $0) }, uniquingKeysWith: { first, _ in first })
                .sorted { $0.key > $1.key }.map(\.value).dropFirst(max(0, query.offset))
            let chosen = ItemChoice.choose(Array(numbers), limit: max(1, query.limit), bytes: bytes)
            return try inquiry.messages(chosen).reversed()
        }
    }
}

extension WaitingItems {
    /// The same, after the message with this id, if there is one.
    func beginning(after id: String?, _ inquiry: Inquiry) throws(JobFailure) -> WaitingItems {
        guard let id else { return self }
        var later = self
        later.after = try inquiry.row("SELECT number FROM item WHERE id = ?", .text(id))?.integer(0) ?? 0
        return later
    }
}

extension HistoryQuery {
    /// Statements that find number and size of the newest such messages, by type and by side: each costs the same however
    /// many others there are.
    var statements: [SQLStatement] {
        let most = SQLValue.integer(Int64(max(0, offset)) + Int64(max(1, limit)))
        if let session {
            return [
                SQLStatement(
                    """
                    SELECT number, size FROM item WHERE session = ? AND (agent = ? OR sender = ?)\
                    \(type == nil ? "" : " AND type = ?") AND number > ? ORDER BY number DESC LIMIT ?
                    """,
                    arguments: [.text(session), .text(agent), .text(agent)]
                        + (type.map { [.text($0.rawValue)] } ?? []) + [.integer(after), most])
            ]
        }
        return (type.map { [$0] } ?? PollType.allCases).flatMap { type in
            ["agent", "sender"].map { side in
                SQLStatement(
                    """
                    SELECT number, size FROM item WHERE \(side) = ? AND type = ? AND number > ? ORDER BY number DESC
                    LIMIT ?
                    """, .text(agent), .text(type.rawValue), .integer(after), most)
            }
        }
    }
}
