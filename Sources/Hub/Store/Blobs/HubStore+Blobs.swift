internal import Fabric

extension HubStore {
    /// Begins a blob, or finds the one that this agent has begun for this receiver with this digest and size.
    ///
    /// Nothing is booked but what is received: an announced size counts nowhere. Only where the mailbox has no room for
    /// the whole of it now, it is refused at once. A blob of an unproven sender is not kept longer for being asked for.
    /// - Throws: `mailboxFull`, `unprovenFull`, `unstorable`.
    package func createBlob(_ draft: BlobDraft) async throws(StoreError) -> (blob: Blob, isNew: Bool) {
        try Texts.checkName(draft.agent, "agent")
        try Texts.checkName(draft.receiver, "receiver")
        try Texts.checkName(draft.name, "name")
        guard draft.size >= 0 else { throw .unstorable(field: "size", reason: "it is negative") }
        let core = core
        let (blob, isNew) = try await core.change { change throws(JobFailure) -> (Blob, Bool) in
            if let blob = try Self.findBlob(draft, change) {
                let expiry = change.now + core.configuration.unreferencedBlobRetention.microseconds
                // Whoever asks for it is about to use it.
                _ = try change.change(
                    "UPDATE blob SET expires = ? WHERE id = ? AND expires < ? AND account <> ?", .integer(expiry),
                    .text(blob.id), .integer(expiry), .integer(SenderAccount.unproven.code))
                return (blob, false)
            }
            return (try Self.createBlob(draft, core, change), true)
        }
        // One of no bytes is whole from the beginning.
        guard blob.size == 0, !blob.isComplete else { return (blob, isNew) }
        return (try await append([], to: blob.id, at: 0), isNew)
    }

    /// What an unproven sender has begun is not found: others may use the same name.
    private static func findBlob(_ draft: BlobDraft, _ change: Change) throws(JobFailure) -> Blob? {
        guard draft.account != .unproven else { return nil }
        return try change.row(
            """
            SELECT \(Blob.columns) FROM blob
            WHERE agent = ? AND receiver = ? AND digest = ? AND size = ? AND doomed = 0
            AND account <> 2\(change.dialect.lockingRows)
            """, .text(draft.agent), .text(draft.receiver), .text(draft.digest.hex), .integer(draft.size)
        ).flatMap { Blob(row: $0) }
    }

    private static func createBlob(
        _ draft: BlobDraft, _ core: StoreCore, _ change: Change
    ) throws(JobFailure) -> Blob {
        let mailbox = MailboxName(.ipoll, of: draft.receiver)
        try Booking.check(draft.account, items: 1, bytes: 0, core, change)
        if let limit = draft.mailboxLimit, draft.account != .unproven {
            let held = try change.load(of: mailbox).bytes + (change.earlier.loads[mailbox]?.bytes ?? 0)
            guard held + draft.size <= limit else { throw .store(.mailboxFull(agent: draft.receiver, limit: limit)) }
        }
        let id = "blob-" + RandomName.hexadecimal(32)
        _ = try change.change(
            """
            INSERT INTO blob (id, agent, receiver, name, digest, size, created, expires, account)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, .text(id), .text(draft.agent), .text(draft.receiver), .text(draft.name), .text(draft.digest.hex),
            .integer(draft.size), .integer(change.now),
            .integer(change.now + core.configuration.blobRetention(of: draft.account).microseconds),
            .integer(draft.account.code))
        if draft.account == .unproven { Booking.addUnproven(1, 0, to: &change.sums) }
        return Blob(
            id: id, agent: draft.agent, receiver: draft.receiver, size: draft.size, digest: draft.digest,
            name: draft.name, received: 0, isComplete: false, createdAt: Timestamp(microseconds: change.now),
            account: draft.account)
    }

    /// The blob; nil if there is none.
    package func blob(_ id: String) async throws(StoreError) -> Blob? {
        guard (try? Texts.checkName(id, "blob")) != nil else { return nil }
        return try await core.ask { inquiry throws(JobFailure) in try inquiry.blob(id) }
    }

    /// Appends a piece, of at most `StoreConfiguration.blobPiece` bytes; the last one completes the blob. An empty piece
    /// at the end completes a blob whose last piece came just before a crash.
    ///
    /// - Throws: `unknownBlob`, `wrongOffset`, `beyondEnd`, `digestMismatch` (the blob is gone then), `unstorable` for a
    ///   piece that is too large.
    package func append(_ piece: [UInt8], to blob: String, at offset: Int64) async throws(StoreError) -> Blob {
        guard piece.count <= core.configuration.blobPiece else {
            throw .unstorable(field: "piece", reason: "it is larger than \(core.configuration.blobPiece) bytes")
        }
        guard (try? Texts.checkName(blob, "blob")) != nil else { throw .unknownBlob(blob) }
        var hasher = core.hashers.hasher(of: blob, at: offset)
        piece.withUnsafeBytes { hasher?.update($0) }
        let digest = hasher?.finish()
        let core = core
        let appended = try await core.change { change throws(JobFailure) in
            try BlobAppending(core: core, id: blob, piece: piece, offset: offset, digest: digest).append(change)
        }
        let isWhole = appended.received == appended.size
        if let hasher, !isWhole { core.hashers.keep(hasher, of: blob, at: appended.received) }
        guard isWhole else { return appended }
        core.hashers.forget(blob)
        guard !appended.isComplete else { return appended }
        return try await finish(appended, digest: digest)
    }

    /// Completes a blob whose bytes are all there, or removes it.
    private func finish(_ blob: Blob, digest: Digest?) async throws(StoreError) -> Blob {
        let computed: Digest
        if let digest { computed = digest } else { computed = try await computeDigest(of: blob) }
        let core = core
        guard computed == blob.digest else {
            try await core.change { change throws(JobFailure) in try BlobDoom.doom(blob.id, change) }
            throw .digestMismatch(claimed: blob.digest, computed: computed)
        }
        return try await core.change { change throws(JobFailure) in
            _ = try change.change(
                "UPDATE blob SET complete = 1 WHERE id = ? AND received = size AND doomed = 0", .text(blob.id))
            guard let complete = try change.blob(blob.id) else { throw .store(.unknownBlob(blob.id)) }
            return complete
        }
    }

    /// Reads it all, a piece at a time.
    private func computeDigest(of blob: Blob) async throws(StoreError) -> Digest {
        var hasher = DigestHasher()
        var offset: Int64 = 0
        while offset < blob.size {
            let bytes = try await read(blob: blob.id, from: offset, limit: core.configuration.blobPiece)
            guard !bytes.isEmpty else { throw .unknownBlob(blob.id) }
            bytes.withUnsafeBytes { hasher.update($0) }
            offset += Int64(bytes.count)
        }
        return hasher.finish()
    }

    /// Bytes of a blob from `offset`: one or more, as many as are kept together, at most `limit`; none at its end.
    ///
    /// - Throws: `unknownBlob`.
    package func read(blob id: String, from offset: Int64, limit: Int) async throws(StoreError) -> [UInt8] {
        guard (try? Texts.checkName(id, "blob")) != nil else { throw .unknownBlob(id) }
        return try await core.ask { inquiry throws(JobFailure) in
            let row = try inquiry.row(
                "SELECT start, length, bytes FROM piece WHERE blob = ? AND start <= ? ORDER BY start DESC LIMIT 1",
                .text(id), .integer(max(0, offset)))
            guard let row, row.integer(0) + row.integer(1) > offset else {
                guard try inquiry.blob(id) != nil else { throw .store(.unknownBlob(id)) }
                return []
            }
            return Array(row.bytes(2).dropFirst(Int(offset - row.integer(0))).prefix(max(1, limit)))
        }
    }
}

extension Inquiry {
    /// The blob; nil if there is none, or it is about to go.
    func blob(_ id: String) throws(JobFailure) -> Blob? {
        try row("SELECT \(Blob.columns) FROM blob WHERE id = ? AND doomed = 0", .text(id)).flatMap { Blob(row: $0) }
    }

    /// What a mailbox holds.
    func load(of mailbox: MailboxName) throws(JobFailure) -> MailboxLoad {
        let row = try row(
            "SELECT unsettled, bytes FROM mailbox WHERE kind = ? AND agent = ?", .integer(mailbox.kind.code),
            .text(mailbox.agent))
        return MailboxLoad(unsettled: row?.integer(0) ?? 0, bytes: row?.integer(1) ?? 0)
    }
}
