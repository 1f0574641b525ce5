/// The two kinds of mailboxes that every agent has.
package enum MailboxKind: String, Sendable, CaseIterable {
    /// Frames of channels that have the agent as their target.
    case mux
    /// I-Poll messages to the agent.
    case ipoll

    /// The number that stands for it in the store. Never changed.
    var code: Int64 {
        switch self {
        case .mux: 0
        case .ipoll: 1
        }
    }
}

/// One mailbox: whose, and of which kind.
package struct MailboxName: Hashable, Sendable, CustomStringConvertible {
    /// Frames or messages.
    package let kind: MailboxKind
    /// The agent that reads it, as names are normalised.
    package let agent: String

    package init(_ kind: MailboxKind, of agent: String) {
        self.kind = kind
        self.agent = agent
    }

    package var description: String { "\(kind.rawValue):\(agent)" }
}

/// A hint that it is worth looking into a mailbox again.
package enum MailboxChange: Hashable, Sendable {
    /// Something in this mailbox can be taken now: it came, or was released.
    case mailbox(MailboxName)
    /// Hints may have been missed, as after a broken connection to the database: every mailbox may have changed.
    case everything
}
