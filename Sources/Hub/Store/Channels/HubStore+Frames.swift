internal import Fabric

extension HubStore {
    /// Appends a frame to an open channel.
    ///
    /// - Throws: `unknownChannel`, `channelClosed`, `blobIncomplete`, `unprovenFull`, `quotaReached`, `unstorable`,
    ///   `keyReused`.
    package func append(_ draft: FrameDraft, key: IdempotencyKey? = nil) async throws(StoreError) -> AppendedFrame {
        guard (try? Texts.checkName(draft.channel, "channel")) != nil else { throw .unknownChannel(draft.channel) }
        try Texts.check(draft.payload, "payload")
        try Texts.checkName(draft.blob, "blob")
        try RememberedAnswer.check(key)
        let core = core
        return try await core.change { change throws(JobFailure) in
            let operation = "append " + draft.channel
            if let answer = try RememberedAnswer.find(key, operation: operation, change) {
                return AppendedFrame(
                    channel: answer.reference, sequence: answer.sequence, hash: answer.hash,
                    timestamp: Timestamp(microseconds: answer.created), wasReplay: true)
            }
            return try Self.append(draft, key: key, operation: operation, core, change)
        }
    }

    private static func append(
        _ draft: FrameDraft, key: IdempotencyKey?, operation: String, _ core: StoreCore, _ change: Change
    ) throws(JobFailure) -> AppendedFrame {
        if let blob = draft.blob {
            guard let channel = try change.channel(draft.channel) else { throw .store(.unknownChannel(draft.channel)) }
            guard channel.isOpen else { throw .store(.channelClosed(draft.channel)) }
            try BlobUse.check(blob, for: channel.target, change)
        }
        let size = Int64(draft.payload.utf8.count)
        try Booking.check(draft.account, items: 1, bytes: size, core, change)
        if let limit = draft.hourlyLimit, let channel = try change.channel(draft.channel) {
            _ = try HourlyQuota(sender: channel.agent, limit: limit).charge(size, change)
        }
        let expires = change.now + (draft.retention ?? core.configuration.frameRetention).microseconds
        // A channel that ends by itself does not end before its frames.
        let channel = try change.change(
            """
            UPDATE channel SET frames = frames + 1, bytes = bytes + ?, unsettled = unsettled + 1, active = ?,
            expires = CASE WHEN expires < ? THEN CAST(? AS BIGINT) ELSE expires END
            WHERE id = ? AND closed IS NULL RETURNING frames, agent, target, intent
            """, .integer(size), .integer(change.now), .integer(expires), .integer(expires), .text(draft.channel)
        ).rows.first
        guard let channel else {
            let isThere = try change.channel(draft.channel) != nil
            throw .store(isThere ? .channelClosed(draft.channel) : .unknownChannel(draft.channel))
        }
        let hash = Hashes.hash(channel: draft.channel, payload: draft.payload, at: change.now)
        let frame = NewItem(
            number: core.numbers.next(at: change.now), mailbox: MailboxName(.mux, of: channel.text(2)),
            sender: channel.text(1), proof: draft.proof, account: draft.account, topic: channel.text(3),
            created: change.now, expires: expires, size: size, blob: draft.blob, content: draft.payload, hash: hash,
            channel: draft.channel, sequence: channel.integer(0) - 1)
        let answer = RememberedAnswer(
            reference: draft.channel, sequence: channel.integer(0) - 1, hash: hash, created: change.now)
        try change.change(
            frame.statements, remembering: answer, to: key, operation: operation,
            for: core.configuration.idempotencyRetention)
        frame.count(in: &change.sums)
        change.sums.add(1, to: .framesAppended)
        change.sums.add(size, to: .frameBytes)
        return AppendedFrame(
            channel: draft.channel, sequence: channel.integer(0) - 1, hash: hash,
            timestamp: Timestamp(microseconds: change.now), wasReplay: false)
    }

    /// Frames of a channel after this number, whatever became of them, in their order.
    ///
    /// - Throws: `unknownChannel`.
    package func frames(
        of channel: String, after sequence: Int64 = -1, limit: Int
    ) async throws(StoreError) -> FramePage {
        guard (try? Texts.checkName(channel, "channel")) != nil else { throw .unknownChannel(channel) }
        let core = core
        return try await core.ask { inquiry throws(JobFailure) in
            guard try inquiry.channel(channel) != nil else { throw .store(.unknownChannel(channel)) }
            let limit = max(1, limit)
            let rows = try inquiry.rows(
                """
                SELECT number, size, sequence FROM item WHERE channel = ? AND sequence > ? ORDER BY sequence LIMIT ?
                """, .text(channel), .integer(sequence), .integer(Int64(limit) + 1))
            let chosen = ItemChoice.choose(rows, limit: limit, bytes: core.configuration.answerBytes)
            let frames = try inquiry.frames(chosen)
            return FramePage(frames: frames, next: chosen.count < rows.count ? frames.last?.sequence : nil)
        }
    }

    /// A channel as the peers' readers see it: `recent` are up to `limit` of the oldest frames that wait; where none
    /// waits, the newest ones. Frames under a lease are not shown. Nil if there is no such channel.
    ///
    /// - Parameter marks: whether its receiver asks: the waiting frames that are shown are what closing consumes.
    package func view(channel id: String, limit: Int = 10, marks: Bool) async throws(StoreError) -> ChannelView? {
        guard (try? Texts.checkName(id, "channel")) != nil else { return nil }
        let core = core
        let seen = try await core.ask { inquiry throws(JobFailure) in
            try inquiry.view(channel: id, limit: max(1, limit), bytes: core.configuration.answerBytes)
        }
        guard let (view, shown) = seen else { return nil }
        if marks, let last = view.recent.last(where: { $0.state == .waiting })?.sequence, last > shown {
            try await core.change { change throws(JobFailure) in
                _ = try change.change(
                    "UPDATE channel SET shown = ? WHERE id = ? AND shown < ?", .integer(last), .text(id),
                    .integer(last))
            }
        }
        return view
    }
}

extension Inquiry {
    /// The hashes that a view shows at most, beside those of opening and closing.
    private static let longestChain = 1000

    /// What a reader sees, and up to which frame readers have seen already.
    func view(channel id: String, limit: Int, bytes: Int64) throws(JobFailure) -> (ChannelView, Int64)? {
        let answers = try execute([
            SQLStatement("SELECT \(Channel.columns), shown FROM channel WHERE id = ?", .text(id)),
            SQLStatement(
                """
                SELECT number, size FROM item WHERE channel = ? AND state = 0 AND channel IS NOT NULL
                ORDER BY sequence LIMIT ?
                """, .text(id), .integer(Int64(limit))),
            SQLStatement(
                """
                SELECT i.number, i.size, b.hash, i.state FROM item i JOIN body b ON b.number = i.number
                WHERE i.channel = ? ORDER BY i.sequence DESC LIMIT ?
                """, .text(id), .integer(Int64(Self.longestChain))),
        ])
        guard let row = answers[0].rows.first else { return nil }
        let channel = Channel(row: row)
        var chosen = ItemChoice.choose(answers[1].rows, limit: limit, bytes: bytes)
        if chosen.isEmpty {
            let settled = answers[2].rows.filter { $0.integer(3) > ItemState.held.code }
            chosen = ItemChoice.choose(settled, limit: limit, bytes: bytes)
        }
        let hashes = answers[2].rows.reversed().map { $0.text(2) }
        let chain = [channel.openHash] + hashes + (channel.closeHash.map { [$0] } ?? [])
        return (ChannelView(channel: channel, recent: try frames(chosen), chain: chain), row.integer(18))
    }
}
