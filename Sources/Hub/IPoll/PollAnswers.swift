internal import Fabric

/// Messages as the three Python clients read them: both spellings of everything (`ipoll.md`, section 4).
enum PollAnswers {
    /// One message, with what only we say of it after that.
    static func message(_ message: Message, additions: JSONObject = [:]) -> String {
        var json = JSONText()
        let time = JSONValue.text(message.createdAt.iso8601Microseconds)
        json.add([
            "id": .text(message.id), "message_id": .text(message.id), "from": .text(message.from),
            "from_agent": .text(message.from), "to": .text(message.to), "to_agent": .text(message.to),
            "type": .text(message.type.rawValue), "poll_type": .text(message.type.rawValue),
            "content": .text(message.content), "status": .text(message.status),
            "read": .bool(message.status != "pending"), "session_id": .text(orNull: message.session),
            "reply_to": .text(orNull: message.replyTo), "created_at": time, "timestamp": time,
        ])
        json.add("metadata", raw: message.metadata ?? "{}")
        json.add("kind", .text(message.kind.rawValue))
        json.add(message.proof.json)
        if let blob = message.blob { json.add("blob_id", .text(blob)) }
        json.add(additions)
        return json.text
    }

    /// What a hint says of a message.
    static func hint(_ message: Message) -> JSONObject {
        var hint: JSONObject = [
            "id": .text(message.id), "poll_type": .text(message.type.rawValue), "kind": .text(message.kind.rawValue),
        ]
        for (key, value) in message.proof.json.members { hint[key] = value }
        return hint
    }

    /// One message under a lease.
    static func leased(_ lease: Lease<Message>) -> String {
        message(
            lease.item,
            additions: [
                "lease_id": .text(lease.id), "lease_until": .text(lease.until.iso8601Microseconds),
                "deliveries": .integer(lease.item.deliveries),
            ])
    }

    /// What a message carries, by its metadata.
    static func kind(of metadata: JSONDocument?) -> MessageKind {
        if isTruthy(metadata?["upip_fork"]) { return .fork }
        if isTruthy(metadata?["tibet_flare"]) { return .flare }
        guard let name = metadata?["envelope_name"] else { return .message }
        return ForkSurface.isNamed(name.text ?? "") ? .forkEnvelope : .envelope
    }

    /// Whether the peers' language takes a value for true.
    private static func isTruthy(_ value: JSONDocument?) -> Bool {
        guard let value else { return false }
        // What holds anything has more than nothing.
        if value.isObject { return value.members(limit: 0) == nil }
        if value.isList { return value.elements(limit: 0) == nil }
        return switch value.value {
        case .bool(let bool): bool
        case .number(let number): number.double != 0
        case .text(let text): !text.isEmpty
        case .null, .list, .object: false
        }
    }
}
