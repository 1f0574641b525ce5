internal import Fabric

extension Frame {
    /// The columns that `init(row:)` reads, of `item i` and `body b`.
    static let columns = """
        i.number, i.channel, i.sequence, i.sender, i.agent, i.topic, b.content, i.created, b.hash, i.blob, i.state, \
        i.deliveries, i.reason, i.sender_key, i.tier
        """

    init(row: SQLRow) {
        self.init(
            position: row.integer(0), channel: row.text(1), sequence: row.integer(2), agent: row.text(3),
            proof: SenderProof(row, at: 13),
            target: row.text(4), intent: row.text(5), payload: row.text(6),
            timestamp: Timestamp(microseconds: row.integer(7)), hash: row.text(8), blob: row.optionalText(9),
            state: ItemState(code: row.integer(10)) ?? .committed, deliveries: row.integer(11),
            reason: row.optionalText(12))
    }
}

extension Message {
    /// The columns that `init(row:)` reads, of `item i` and `body b`.
    static let columns = """
        i.number, i.id, i.sender, i.agent, i.type, i.topic, b.content, b.metadata, i.session, i.reply_to, i.created, \
        i.blob, i.state, i.responded, i.deliveries, i.reason, i.sender_key, i.tier
        """

    init(row: SQLRow) {
        self.init(
            position: row.integer(0), id: row.text(1), from: row.text(2), proof: SenderProof(row, at: 16),
            to: row.text(3),
            type: PollType(rawValue: row.text(4)) ?? .push,
            kind: MessageKind(rawValue: String(row.text(5).prefix { $0 != "/" })) ?? .message, content: row.text(6),
            metadata: row.optionalText(7), session: row.optionalText(8), replyTo: row.optionalText(9),
            createdAt: Timestamp(microseconds: row.integer(10)), blob: row.optionalText(11),
            state: ItemState(code: row.integer(12)) ?? .committed,
            respondedAt: row.optionalInteger(13).map { Timestamp(microseconds: $0) }, deliveries: row.integer(14),
            reason: row.optionalText(15))
    }
}

extension SenderProof {
    /// What stands in the columns `sender_key` and `tier` from this place on.
    init(_ row: SQLRow, at place: Int) {
        guard let key = row.optionalText(place).flatMap({ PublicKey(hex: $0) }) else {
            self = .unproven
            return
        }
        self.init(provenBy: key, tier: row.optionalText(place + 1).flatMap(Tier.init(rawValue:)) ?? .sandbox)
    }
}

extension Inquiry {
    /// The frames with these numbers, in the order of numbers.
    func frames(_ numbers: [Int64]) throws(JobFailure) -> [Frame] {
        try items(numbers, Frame.columns).map { Frame(row: $0) }
    }

    /// The messages with these numbers, in the order of numbers.
    func messages(_ numbers: [Int64]) throws(JobFailure) -> [Message] {
        try items(numbers, Message.columns).map { Message(row: $0) }
    }

    private func items(_ numbers: [Int64], _ columns: String) throws(JobFailure) -> [SQLRow] {
        guard !numbers.isEmpty else { return [] }
        return try execute([Self.selection(numbers, columns)])[0].rows
    }

    /// The statement that reads the items with these numbers.
    static func selection(_ numbers: [Int64], _ columns: String) -> SQLStatement {
        SQLStatement(
            """
            SELECT \(columns) FROM item i JOIN body b ON b.number = i.number
            WHERE i.number IN \(ItemChoice.places(numbers.count)) ORDER BY i.number
            """, arguments: numbers.map { .integer($0) })
    }
}
