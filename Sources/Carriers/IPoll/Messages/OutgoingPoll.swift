package import Fabric
package import HubClient

/// A message to be sent.
package struct OutgoingPoll: Sendable {
    /// Whose mailbox it is for.
    package var recipient: HubAgent
    /// The text, for people.
    package var content: String
    /// What it asks for.
    package var type: PollType
    /// What programs read.
    package var metadata: JSONObject
    /// What it is grouped by; nil for nothing.
    package var session: String?
    /// The message that it answers; nil for none.
    package var answers: String?
    /// Tells two attempts to send one message from two messages, where the server can (1 to 128 of printable ASCII).
    /// Nil where two may result.
    package var idempotencyKey: String?

    /// A message from its parts.
    package init(
        to recipient: HubAgent, _ content: String, type: PollType = .push, metadata: JSONObject = JSONObject(),
        session: String? = nil, answering answers: String? = nil, idempotencyKey: String? = nil
    ) {
        self.recipient = recipient
        self.content = content
        self.type = type
        self.metadata = metadata
        self.session = session
        self.answers = answers
        self.idempotencyKey = idempotencyKey
    }

    /// The body of `push` (`ipoll.md`, section 3): the keys that all servers know, and further ones only where needed.
    func body(from sender: HubAgent) -> JSONValue {
        var body: JSONObject = [
            "from_agent": .text(sender.description), "to_agent": .text(recipient.description),
            "content": .text(content), "poll_type": .text(type.description), "metadata": .object(metadata),
        ]
        if let session { body["session_id"] = .text(session) }
        if let answers { body["reply_to"] = .text(answers) }
        return .object(body)
    }
}

/// What the server said to a message.
package struct PollReceipt: Sendable {
    /// The server's name for the message; empty where it gave none.
    package let id: String
    /// What became of it: `pending` unless the server says otherwise.
    package let status: String
    /// `local`, `forwarded` or `failed`, as the server says; nil where it does not.
    package let delivery: String?
    /// Whether the server had taken this very message before, as far as it says.
    package let isRepeated: Bool
    /// All of the answer.
    package let raw: JSONObject

    init(_ raw: JSONObject, isRepeated: Bool) {
        self.raw = raw
        self.isRepeated = isRepeated
        id = ["id", "poll_id", "message_id"].lazy.compactMap { raw[$0]?.text }.first ?? ""
        status = raw["status"]?.text ?? "pending"
        delivery = raw["delivery"]?.text
    }
}
