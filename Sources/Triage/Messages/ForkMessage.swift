package import Fabric

/// A message in which somebody hands a fork over, as it was read (`ipoll.md`, section 8.2). Nothing in it is believed.
package struct ForkMessage: Sendable {
    /// What the hub calls it.
    package let id: String
    /// The mailbox that it says it comes from.
    package let sender: String
    /// The mailbox that it was sent to.
    package let receiver: String
    /// When it was sent, by the hub's clock; empty where that is not said.
    package let createdAt: String
    /// The hash that the message announces; nil where it announces none.
    package let announcedHash: String?
    /// Who hands over to whom, as the message says.
    package let handoff: String
    /// The token, or why there is none.
    package let token: Result<ForkToken, ForkFault>

    /// Reads a message; nil for one that hands over no fork.
    package init?(_ message: JSONObject) {
        let text = { (short: String, long: String) in (message[short] ?? message[long])?.text ?? "" }
        guard let metadata = message["metadata"]?.object, text("type", "poll_type") == ForkDelivery.pollType,
            metadata["upip_fork"]?.isTruthy == true
        else { return nil }
        id = text("id", "message_id")
        sender = text("from", "from_agent")
        receiver = text("to", "to_agent")
        createdAt = text("created_at", "timestamp")
        announcedHash = metadata["fork_hash"]?.text.flatMap { $0.isEmpty ? nil : $0 }
        handoff = metadata["actor_handoff"]?.text ?? ""
        token = Self.token(in: metadata)
    }

    private static func token(in metadata: JSONObject) -> Result<ForkToken, ForkFault> {
        guard let data = metadata["fork_data"] else { return .failure(.notToken("the message has no 'fork_data'")) }
        guard let fields = data.object else { return .failure(.wrongKind(field: "fork_data", wanted: "an object")) }
        guard !fields.members.isEmpty else { return .failure(.notToken("'fork_data' is empty")) }
        return Result { () throws(ForkFault) in try ForkToken(fields: fields) }
    }
}

extension JSONValue {
    /// Whether Python would take it for true.
    var isTruthy: Bool {
        switch self {
        case .null: false
        case .bool(let bool): bool
        case .number(let number): number.double != 0
        case .text(let text): !text.isEmpty
        case .list(let list): !list.isEmpty
        case .object(let object): !object.members.isEmpty
        }
    }
}
