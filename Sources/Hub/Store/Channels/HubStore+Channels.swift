internal import Fabric

extension HubStore {
    /// Opens a channel.
    ///
    /// - Throws: `tooManyChannels`, `unstorable`, `keyReused`.
    package func open(_ draft: ChannelDraft, key: IdempotencyKey? = nil) async throws(StoreError) -> OpenedChannel {
        try Texts.checkName(draft.agent, "agent")
        try Texts.checkName(draft.target, "target")
        try Texts.checkName(draft.intent, "intent")
        try Texts.check(draft.metadata, "metadata")
        try RememberedAnswer.check(key)
        let core = core
        return try await core.change { change throws(JobFailure) in
            if let answer = try RememberedAnswer.find(key, operation: "open", change) {
                return OpenedChannel(
                    id: answer.reference, hash: answer.hash, openedAt: Timestamp(microseconds: answer.created),
                    wasReplay: true)
            }
            return try Self.open(draft, key: key, core, change)
        }
    }

    private static func open(
        _ draft: ChannelDraft, key: IdempotencyKey?, _ core: StoreCore, _ change: Change
    ) throws(JobFailure) -> OpenedChannel {
        let metadataSize = Int64(draft.metadata?.utf8.count ?? 0)
        try Booking.check(draft.account, items: 1, bytes: metadataSize, core, change)
        let limit = core.configuration.openChannelsPerAgent
        let counted = try change.change(
            """
            INSERT INTO opener (agent, open_channels) VALUES (?, 1)
            ON CONFLICT (agent) DO UPDATE SET open_channels = opener.open_channels + 1
            WHERE opener.open_channels < ?
            """, .text(draft.agent), .integer(Int64(limit)))
        guard counted.changes == 1 else { throw .store(.tooManyChannels(agent: draft.agent, limit: limit)) }
        let id = "ch-" + RandomName.hexadecimal(16)
        let hash = Hashes.hash(channel: id, payload: "", at: change.now)
        // A channel of a proven sender ends when it is closed.
        let expiry =
            draft.account == .unproven ? change.now + core.configuration.unproven.retention.microseconds : nil
        let insertion = SQLStatement(
            """
            INSERT INTO channel (id, number, agent, target, intent, metadata, stays_open, opened, active, open_hash,
            account, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, .text(id), .integer(core.numbers.next(at: change.now)), .text(draft.agent), .text(draft.target),
            .text(draft.intent), .optional(draft.metadata), .flag(draft.staysOpen), .integer(change.now),
            .integer(change.now), .text(hash), .integer(draft.account.code), .optional(expiry))
        let answer = RememberedAnswer(reference: id, sequence: 0, hash: hash, created: change.now)
        try change.change(
            [insertion], remembering: answer, to: key, operation: "open", for: core.configuration.idempotencyRetention)
        if draft.account == .unproven { Booking.addUnproven(1, metadataSize, to: &change.sums) }
        change.sums.add(1, to: .channelsOpened)
        change.sums.add(1, to: .channelsOpen)
        return OpenedChannel(id: id, hash: hash, openedAt: Timestamp(microseconds: change.now), wasReplay: false)
    }

    /// Closes a channel, again if it is closed, with this reason and time.
    ///
    /// - Parameter consuming: whether its receiver closes it: the frames that `view(…, marks: true)` has shown are then
    ///   committed.
    /// - Returns: the channel as it is then.
    /// - Throws: `unknownChannel`, `unstorable`.
    package func close(channel id: String, reason: String, consuming: Bool) async throws(StoreError) -> Channel {
        try Texts.check(reason, "reason")
        guard (try? Texts.checkName(id, "channel")) != nil else { throw .unknownChannel(id) }
        let core = core
        return try await core.change { change throws(JobFailure) in
            guard let channel = try change.channel(id) else { throw .store(.unknownChannel(id)) }
            if consuming {
                let shown = try ItemSettling.commitShown(of: channel, core, change)
                _ = try change.change(
                    "UPDATE channel SET unsettled = unsettled - ? WHERE id = ?", .integer(shown), .text(id))
            }
            try ChannelClosing.close(id, reason: reason, core, change)
            guard let closed = try change.channel(id) else { throw .store(.unknownChannel(id)) }
            return closed
        }
    }

    /// The channel; nil if there is none.
    package func channel(_ id: String) async throws(StoreError) -> Channel? {
        guard (try? Texts.checkName(id, "channel")) != nil else { return nil }
        return try await core.ask { inquiry throws(JobFailure) in try inquiry.channel(id) }
    }

    /// Channels in the order of opening.
    package func channels(_ query: ChannelQuery) async throws(StoreError) -> [Channel] {
        let (column, agent) =
            switch query.side {
            case .openedBy(let agent): ("agent", agent)
            case .towards(let agent): ("target", agent)
            }
        guard (try? Texts.checkName(agent, "agent")) != nil, (try? Texts.checkName(query.intent, "intent")) != nil
        else { return [] }
        let filter =
            switch query.filter {
            // What is open is live as well; said so, the index of intents serves it too.
            case .open: " AND closed IS NULL" + (query.intent == nil ? "" : " AND live = 1")
            case .openOrUnsettled: " AND live = 1"
            case .all: ""
            }
        var arguments: [SQLValue] = [.text(agent)]
        if let intent = query.intent { arguments.append(.text(intent)) }
        arguments += [.integer(query.after), .integer(Int64(max(1, query.limit)))]
        let statement = SQLStatement(
            """
            SELECT \(Channel.columns) FROM channel WHERE \(column) = ?\(query.intent == nil ? "" : " AND intent = ?")\
            \(filter) AND number > ? ORDER BY number LIMIT ?
            """, arguments: arguments)
        return try await core.ask { inquiry throws(JobFailure) in
            try inquiry.execute([statement])[0].rows.map { Channel(row: $0) }
        }
    }
}
