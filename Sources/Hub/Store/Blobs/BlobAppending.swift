internal import Fabric

extension Blob {
    /// The columns that `init(row:)` reads.
    static let columns = "id, agent, receiver, size, digest, name, received, complete, created, account"

    init?(row: SQLRow) {
        guard let digest = Digest(hex: row.text(4)) else { return nil }
        self.init(
            id: row.text(0), agent: row.text(1), receiver: row.text(2), size: row.integer(3), digest: digest,
            name: row.text(5), received: row.integer(6), isComplete: row.integer(7) == 1,
            createdAt: Timestamp(microseconds: row.integer(8)), account: SenderAccount(code: row.integer(9)))
    }
}

extension Blob {
    /// Where its bytes are counted: with the messages of its receiver.
    var booking: Booking { Booking(account: account, sender: agent, mailbox: MailboxName(.ipoll, of: receiver)) }
}

/// Adds one piece to a blob.
struct BlobAppending {
    let core: StoreCore
    let id: String
    let piece: [UInt8]
    let offset: Int64
    /// The digest of all bytes up to the end of the piece, where that is known.
    let digest: Digest?

    /// The blob as it is then. Complete, if this was the last piece and the digest is known and right.
    func append(_ change: Change) throws(JobFailure) -> Blob {
        let row = try change.row(
            "SELECT \(Blob.columns) FROM blob WHERE id = ? AND doomed = 0" + change.dialect.lockingRows, .text(id))
        guard let blob = row.flatMap({ Blob(row: $0) }) else { throw .store(.unknownBlob(id)) }
        guard offset == blob.received else { throw .store(.wrongOffset(received: blob.received)) }
        let end = offset + Int64(piece.count)
        guard end <= blob.size else { throw .store(.beyondEnd(size: blob.size)) }
        guard !blob.isComplete else { return blob }
        try Booking.check(blob.account, items: 0, bytes: Int64(piece.count), core, change)
        let isComplete = end == blob.size && digest == blob.digest
        var statements = [
            SQLStatement(
                """
                UPDATE blob SET received = ?, complete = ?, expires = CASE WHEN uses > 0 THEN NULL
                WHEN account = \(SenderAccount.unproven.code) THEN expires ELSE CAST(? AS BIGINT) END WHERE id = ?
                """, .integer(end), .flag(isComplete),
                .integer(change.now + core.configuration.unreferencedBlobRetention.microseconds), .text(id))
        ]
        if !piece.isEmpty {
            statements.append(
                SQLStatement(
                    "INSERT INTO piece (blob, start, length, bytes) VALUES (?, ?, ?, ?)", .text(id), .integer(offset),
                    .integer(Int64(piece.count)), .bytes(piece)))
        }
        _ = try change.change(statements)
        blob.booking.addBlob(bytes: Int64(piece.count), in: &change.sums)
        return Blob(
            id: id, agent: blob.agent, receiver: blob.receiver, size: blob.size, digest: blob.digest, name: blob.name,
            received: end, isComplete: isComplete, createdAt: blob.createdAt, account: blob.account)
    }
}

/// The end of blobs.
enum BlobDoom {
    /// Takes a blob out of use; the sweep removes its bytes. They count no more then, but for those of unproven senders,
    /// which count until they are removed.
    static func doom(_ id: String, _ change: Change) throws(JobFailure) {
        let answer = try change.change(
            "UPDATE blob SET doomed = 1, expires = ? WHERE id = ? AND doomed = 0 RETURNING \(Blob.columns)",
            .integer(change.now), .text(id))
        guard let blob = answer.rows.first.flatMap({ Blob(row: $0) }) else { return }
        guard blob.account == .unproven else {
            return blob.booking.addBlob(bytes: -blob.received, in: &change.sums)
        }
        change.sums.add(-blob.received, to: .blobBytes)
    }

    /// Deletes the row of a blob whose bytes are gone.
    static func delete(_ id: String, _ change: Change) throws(JobFailure) {
        let answer = try change.change(
            "DELETE FROM blob WHERE id = ? RETURNING received, account", .text(id))
        guard let row = answer.rows.first, row.integer(1) == SenderAccount.unproven.code else { return }
        Booking.addUnproven(-1, -row.integer(0), to: &change.sums)
    }
}
