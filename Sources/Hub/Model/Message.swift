package import Fabric

/// The five types of I-Poll messages (`ipoll.md`, section 5).
package enum PollType: String, Sendable, CaseIterable {
    case push = "PUSH"
    case pull = "PULL"
    case sync = "SYNC"
    case task = "TASK"
    case ack = "ACK"
}

/// What a message carries, as the hub reads it from the metadata.
package enum MessageKind: String, Sendable, CaseIterable {
    case message
    case envelope
    /// An envelope whose name is that of a fork's.
    case forkEnvelope = "fork-envelope"
    case fork
    case flare
}

/// A message that is to be pushed.
package struct MessageDraft: Sendable {
    /// The sender, normalised.
    package var from: String
    /// The recipient, normalised.
    package var to: String
    package var type: PollType
    package var kind: MessageKind
    /// The text. It is given back exactly so.
    package var content: String
    /// A JSON object exactly as it was given; nil where there was none.
    package var metadata: String?
    package var session: String?
    /// The id of the message that this one answers.
    package var replyTo: String?
    /// The blob that it refers to; it lives for as long as the message waits.
    package var blob: String?
    /// How long it waits for its recipient; nil for the store's longest.
    package var retention: Duration?
    /// The most messages of this sender in one clock hour; nil for any number.
    package var hourlyLimit: Int64?
    /// What is known of the sender.
    package var proof: SenderProof
    /// The account that it is booked to.
    package var account = SenderAccount.none

    package init(
        from: String, to: String, type: PollType, kind: MessageKind = .message, content: String,
        metadata: String? = nil,
        session: String? = nil, replyTo: String? = nil, blob: String? = nil, retention: Duration? = nil,
        hourlyLimit: Int64? = nil, proof: SenderProof = .unproven
    ) {
        self.from = from
        self.to = to
        self.type = type
        self.kind = kind
        self.content = content
        self.metadata = metadata
        self.session = session
        self.replyTo = replyTo
        self.blob = blob
        self.retention = retention
        self.hourlyLimit = hourlyLimit
        self.proof = proof
    }
}

/// A message that is durable now.
package struct PushedMessage: Sendable, Equatable {
    /// `poll-` and 32 hexadecimal digits.
    package let id: String
    package let createdAt: Timestamp
    /// How many messages its sender has sent in this clock hour, this one included; 0 for a replay.
    package let sentThisHour: Int64
    /// Whether this is the first answer to the same idempotency key again, and nothing was stored.
    package let wasReplay: Bool
}

/// A message as it is kept.
package struct Message: Sendable, Equatable {
    /// Where it stands among all items; for paging through a mailbox.
    package let position: Int64
    /// `poll-` and 32 hexadecimal digits.
    package let id: String
    package let from: String
    /// What was known of the sender when it was sent.
    package let proof: SenderProof
    package let to: String
    package let type: PollType
    package let kind: MessageKind
    package let content: String
    package let metadata: String?
    package let session: String?
    package let replyTo: String?
    package let createdAt: Timestamp
    package let blob: String?
    package let state: ItemState
    /// When it was responded to; nil if nobody has.
    package let respondedAt: Timestamp?
    /// How many times it was offered under a lease.
    package let deliveries: Int64
    /// Why it was refused.
    package let reason: String?

    /// `pending`, `read` or `responded`, the words of `ipoll.md`, section 4; `refused` beyond them.
    package var status: String {
        if respondedAt != nil { return "responded" }
        return switch state {
        case .waiting, .held: "pending"
        case .committed: "read"
        case .refused: "refused"
        }
    }
}

/// Which waiting messages of a mailbox are asked for; nil means all.
package struct MessageFilter: Sendable, Equatable {
    package var kinds: [MessageKind]?
    package var types: [PollType]?

    package init(kinds: [MessageKind]? = nil, types: [PollType]? = nil) {
        self.kinds = kinds
        self.types = types
    }

    /// Every message.
    package static let all = MessageFilter()
}

/// Which messages of the past are asked for, newest first.
package struct HistoryQuery: Sendable {
    /// Messages from or to this agent.
    package var agent: String
    /// Only of this session.
    package var session: String?
    /// Only of this type.
    package var type: PollType?
    /// Only those after this place among all items.
    package var after: Int64
    /// How many of the newest to leave out.
    package var offset: Int
    /// How many at most, 1 or more.
    package var limit: Int

    package init(
        agent: String, session: String? = nil, type: PollType? = nil, after: Int64 = 0, offset: Int = 0, limit: Int = 20
    ) {
        self.agent = agent
        self.session = session
        self.type = type
        self.after = after
        self.offset = offset
        self.limit = limit
    }
}
