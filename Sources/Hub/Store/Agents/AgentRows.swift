internal import Fabric

extension AgentRecord {
    /// The columns that `init(row:)` reads and `values` fills.
    static let columns = """
        name, public_key, previous_keys, owner, endpoint, i_poll, capabilities, routes, description, tier, trust, \
        suspended, reason, registered, updated
        """

    init(row: SQLRow) {
        self.init(
            name: row.text(0), publicKey: row.optionalText(1).flatMap { PublicKey(hex: $0) },
            previousKeys: TextList.parse(row.text(2)).compactMap { PublicKey(hex: $0) }, owner: row.optionalText(3),
            endpoint: row.optionalText(4), iPoll: row.optionalText(5), capabilities: TextList.parse(row.text(6)),
            routes: TextList.parse(row.text(7)), description: row.optionalText(8),
            tier: Tier(rawValue: row.text(9)) ?? .sandbox, trustScore: row.real(10), isSuspended: row.integer(11) == 1,
            suspensionReason: row.optionalText(12), registeredAt: Timestamp(microseconds: row.integer(13)),
            updatedAt: Timestamp(microseconds: row.integer(14)))
    }

    var values: [SQLValue] {
        [
            .text(name), .optional(publicKey?.hex), .text(TextList.text(previousKeys.map(\.hex))), .optional(owner),
            .optional(endpoint), .optional(iPoll), .text(TextList.text(capabilities)), .text(TextList.text(routes)),
            .optional(description), .text(tier.rawValue), .real(trustScore), .flag(isSuspended),
            .optional(suspensionReason), .integer(registeredAt.microseconds), .integer(updatedAt.microseconds),
        ]
    }

    /// The words by which it is found, lower case: no more than a hundred, each no longer than 64 bytes.
    var words: [String] {
        let texts = [name, owner ?? "", description ?? ""] + capabilities
        return Array(Set(texts.flatMap { Self.words(in: $0) } + [name]).sorted().prefix(100))
    }

    static func words(in text: String) -> [String] {
        text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init).filter { $0.utf8.count <= 64 }
    }
}

/// Several texts in one: each with its number of bytes before it, so that any text can be in it.
enum TextList {
    static func text(_ texts: [String]) -> String { texts.map { "\($0.utf8.count):\($0)" }.joined() }

    static func parse(_ text: String) -> [String] {
        var texts: [String] = []
        var rest = Array(text.utf8)[...]
        while let colon = rest.firstIndex(of: UInt8(ascii: ":")),
            let count = Int(String(decoding: rest[..<colon], as: UTF8.self)), count >= 0,
            count < rest.count - (colon - rest.startIndex)
        {
            let start = colon + 1
            texts.append(String(decoding: rest[start..<(start + count)], as: UTF8.self))
            rest = rest[(start + count)...]
        }
        return texts
    }
}
