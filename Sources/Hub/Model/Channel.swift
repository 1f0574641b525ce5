package import Fabric

/// What a sender asks for when it opens a channel (`mux.md`, section 2).
package struct ChannelDraft: Sendable {
    /// The agent that opens it, normalised.
    package var agent: String
    /// The agent that is to receive its frames, normalised.
    package var target: String
    /// What the frames are for; any text, also the empty one.
    package var intent: String
    /// A JSON object as it was given; nil where there was none.
    package var metadata: String?
    /// Whether it stays open when the last unsettled frame was settled.
    package var staysOpen: Bool
    /// The account that it is booked to. A channel of an unproven sender ends with the retention of its frames.
    package var account = SenderAccount.none

    package init(
        agent: String, target: String, intent: String, metadata: String? = nil, staysOpen: Bool = false
    ) {
        self.agent = agent
        self.target = target
        self.intent = intent
        self.metadata = metadata
        self.staysOpen = staysOpen
    }
}

/// A channel that was just opened.
package struct OpenedChannel: Sendable, Equatable {
    /// `ch-` and 16 hexadecimal digits.
    package let id: String
    /// The first of the channel's hashes.
    package let hash: String
    /// When it was opened, with microseconds.
    package let openedAt: Timestamp
    /// Whether this is the first answer to the same idempotency key again, and nothing was opened.
    package let wasReplay: Bool
}

/// A channel as it is now.
package struct Channel: Sendable, Equatable {
    /// `ch-` and 16 hexadecimal digits.
    package let id: String
    package let agent: String
    package let target: String
    package let intent: String
    /// A JSON object as it was given; nil where there was none.
    package let metadata: String?
    package let staysOpen: Bool
    package let openedAt: Timestamp
    package let lastActivity: Timestamp
    /// When it was closed last; nil while it is open.
    package let closedAt: Timestamp?
    /// Why it was closed last.
    package let closeReason: String?
    /// How many frames were appended to it.
    package let frames: Int64
    /// The sum of the payloads' UTF-8 bytes.
    package let bytes: Int64
    /// How many of the frames nobody has settled yet.
    package let unsettled: Int64
    /// How many of the frames were refused.
    package let refused: Int64
    /// How many hashes it has: one for the opening, and one for each frame and each closing.
    package let chainLength: Int64
    /// The hash of the opening.
    package let openHash: String
    /// The hash of the last closing.
    package let closeHash: String?
    /// Where it stands among all channels, in the order of opening; for paging.
    package let position: Int64

    package var isOpen: Bool { closedAt == nil }
}

/// Which channels to list.
package enum ChannelFilter: Sendable {
    /// Those that are open.
    case open
    /// Those that are open, and those closed ones that still have unsettled frames: what a receiver has to look at.
    case openOrUnsettled
    /// All that the store still knows.
    case all
}

/// Whose channels to list, and which.
package struct ChannelQuery: Sendable {
    /// From which side to look.
    package enum Side: Sendable {
        /// Channels that this agent opened.
        case openedBy(String)
        /// Channels that have this agent as their target.
        case towards(String)
    }
    package var side: Side
    package var filter: ChannelFilter
    /// Only channels of exactly this intent; nil for any.
    package var intent: String?
    /// Only channels after this position, for paging; 0 from the beginning.
    package var after: Int64
    /// How many at most, 1 or more.
    package var limit: Int

    package init(
        _ side: Side, filter: ChannelFilter = .open, intent: String? = nil, after: Int64 = 0, limit: Int = 1000
    ) {
        self.side = side
        self.filter = filter
        self.intent = intent
        self.after = after
        self.limit = limit
    }
}
