package import Fabric

/// A message as a server gave it, read in either spelling (`ipoll.md`, section 4).
package struct PollMessage: Sendable {
    /// The server's name for it: what it is answered and settled by.
    package let id: String
    /// Who sent it, as the server says; empty where it does not.
    package let sender: String
    /// What our hub says it found out about the sender; unproven at every other server.
    package private(set) var proof: SenderProof
    /// Whose mailbox it lay in, as the server says; empty where it does not.
    package let recipient: String
    /// What it asks for; a PUSH where the server does not say.
    package let type: PollType
    /// The text, for people.
    package let content: String
    /// `pending`, `read` or `responded`, or what else the server calls it; nil where it does not say.
    package let status: String?
    /// What it is grouped by; nil where it stands alone.
    package let session: String?
    /// The message that it answers; nil where it answers none.
    package let answers: String?
    /// When it was sent, as the server spells it; nil where it does not say.
    package let createdAt: String?
    /// What programs read; empty where there is none.
    package let metadata: JSONObject
    /// What it is for, by its metadata.
    package let kind: PollKind
    /// All of it, as it came.
    package let raw: JSONObject

    /// Reads an element of `polls`; nil where it is no object, or has no id.
    package init?(_ value: JSONValue) {
        guard let object = value.object else { return nil }
        func text(_ keys: String...) -> String? {
            keys.lazy.compactMap { object[$0]?.text }.first
        }
        guard let id = text("id", "message_id", "poll_id"), (1...256).contains(id.utf8.count) else { return nil }
        self.id = id
        sender = text("from", "from_agent") ?? ""
        proof = SenderProof(object)
        recipient = text("to", "to_agent") ?? ""
        type = PollType(text("type", "poll_type") ?? "PUSH")
        content = text("content") ?? ""
        status = text("status") ?? object["read"]?.bool.map { $0 ? "read" : "pending" }
        session = text("session_id")
        answers = text("reply_to")
        createdAt = text("created_at", "timestamp")
        metadata = object["metadata"]?.object ?? JSONObject()
        kind = PollKind(of: metadata)
        raw = object
    }
}

extension PollMessage {
    /// The same message as a server gave it that proves no sender, whatever the message says.
    package var withoutProof: PollMessage {
        var copy = self
        copy.proof = .unproven
        return copy
    }
}

/// What a message is for, as its metadata tells: the rule of our hub, which other servers leave to their readers.
package enum PollKind: String, Sendable, Hashable, CaseIterable {
    /// A fork token, or the answer to one (`ipoll.md`, section 8).
    case fork
    /// A call for help of newer peers (`ipoll.md`, section 8.4).
    case flare
    /// The notification of an envelope (`cep.md`, section 6.1).
    case envelope
    /// The same of an envelope whose name is that of a fork's.
    case forkEnvelope = "fork-envelope"
    /// Anything else.
    case message

    /// The kind of a message with this metadata.
    package init(of metadata: JSONObject) {
        if Self.isTrue(metadata["upip_fork"]) {
            self = .fork
        } else if Self.isTrue(metadata["tibet_flare"]) {
            self = .flare
        } else if let name = metadata["envelope_name"], !name.isNull {
            self = ForkSurface.isNamed(name.text ?? "") ? .forkEnvelope : .envelope
        } else {
            self = .message
        }
    }

    /// Whether Python would take the value for true, as the peers' readers do.
    private static func isTrue(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null: false
        case .bool(let bool): bool
        case .number(let number): number.double != 0
        case .text(let text): !text.isEmpty
        case .list(let list): !list.isEmpty
        case .object(let object): !object.members.isEmpty
        }
    }
}
