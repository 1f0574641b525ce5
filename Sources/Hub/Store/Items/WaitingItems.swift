/// Which waiting items of a mailbox are asked for.
struct WaitingItems {
    let mailbox: MailboxName
    /// The topics to choose from; nil for any.
    let topics: [String]?
    /// Only those after this number.
    var after: Int64 = 0

    /// The statements that find up to `limit` of them each, oldest first, as number and size.
    ///
    /// One for each topic: each then costs the same however many items of other topics wait.
    /// - Parameter ending: what takes or locks the rows.
    func statements(limit: Int, now: Int64, ending: String = "") -> [SQLStatement] {
        let common: [SQLValue] = [.integer(after), .integer(now), .integer(Int64(limit))]
        guard let topics else {
            return [
                SQLStatement(
                    """
                    SELECT number, size FROM item WHERE kind = \(mailbox.kind.code) AND agent = ? AND state = 0
                    AND number > ? AND expires > ? ORDER BY number LIMIT ?\(ending)
                    """, arguments: [.text(mailbox.agent)] + common)
            ]
        }
        return topics.map { topic in
            SQLStatement(
                """
                SELECT number, size FROM item WHERE kind = \(mailbox.kind.code) AND agent = ? AND topic = ? AND state = 0
                AND number > ? AND expires > ? ORDER BY number LIMIT ?\(ending)
                """, arguments: [.text(mailbox.agent), .text(topic)] + common)
        }
    }

    /// The numbers of up to `limit` of them, oldest first, of no more than `bytes` together.
    func find(
        limit: Int, bytes: Int64, ending: String = "", _ inquiry: Inquiry
    ) throws(JobFailure) -> [Int64] {
        let statements = statements(limit: limit, now: inquiry.now, ending: ending)
        return Self.merge(try inquiry.execute(statements), limit: limit, bytes: bytes)
    }

    static func merge(_ answers: [SQLAnswer], limit: Int, bytes: Int64) -> [Int64] {
        let rows = answers.flatMap(\.rows).sorted { $0.integer(0) < $1.integer(0) }
        return ItemChoice.choose(rows, limit: limit, bytes: bytes)
    }
}

extension MessageFilter {
    /// The topic of such messages.
    static func topic(_ kind: MessageKind, _ type: PollType) -> String { kind.rawValue + "/" + type.rawValue }

    /// The topics that it lets through; nil where it lets through all.
    var topics: [String]? {
        guard kinds != nil || types != nil else { return nil }
        // As sets: one that is named twice is still asked for once.
        return Set(kinds ?? MessageKind.allCases).flatMap { kind in
            Set(types ?? PollType.allCases).map { Self.topic(kind, $0) }
        }
    }
}
