internal import Fabric

/// A frame or a message that is about to be stored.
struct NewItem {
    let number: Int64
    let mailbox: MailboxName
    let sender: String
    let proof: SenderProof
    let account: SenderAccount
    /// What consumers choose by: the intent of a frame, kind and type of a message.
    let topic: String
    let created: Int64
    let expires: Int64
    /// Bytes of the content.
    let size: Int64
    let blob: String?
    let content: String
    var metadata: String?
    var hash: String?
    // Of frames.
    var channel: String?
    var sequence: Int64?
    // Of messages.
    var id: String?
    var type: String?
    var session: String?
    var replyTo: String?

    /// What stores it.
    var statements: [SQLStatement] {
        let item = SQLStatement(
            """
            INSERT INTO item (number, kind, agent, sender, topic, created, expires, size, blob, channel, sequence, id,
            type, session, reply_to, sender_key, tier, account)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, .integer(number), .integer(mailbox.kind.code), .text(mailbox.agent), .text(sender), .text(topic),
            .integer(created), .integer(expires), .integer(size), .optional(blob), .optional(channel),
            .optional(sequence), .optional(id), .optional(type), .optional(session), .optional(replyTo),
            .optional(proof.key?.hex), .text(proof.tier.rawValue), .integer(account.code))
        let body = SQLStatement(
            "INSERT INTO body (number, content, metadata, hash) VALUES (?, ?, ?, ?)", .integer(number), .text(content),
            .optional(metadata), .optional(hash))
        return [item, body] + (blob.map { [BlobUse.begin($0)] } ?? [])
    }

    /// Counts it into its mailbox, whose readers are told, and its sender's account.
    func count(in sums: inout Sums) {
        Booking(account: account, sender: sender, mailbox: mailbox).arrive(size, in: &sums)
        sums.hint(at: mailbox)
    }
}
