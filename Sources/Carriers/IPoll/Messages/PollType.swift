/// What a message asks of its reader (`ipoll.md`, section 5).
package enum PollType: Sendable, Hashable, CustomStringConvertible {
    /// A notification; nothing is expected back.
    case push
    /// A question; a PUSH or SYNC is expected back.
    case pull
    /// An exchange of states; a SYNC is expected back.
    case sync
    /// Delegated work; an ACK is expected back.
    case task
    /// An acknowledgement.
    case ack
    /// A word that is none of the five, kept as it came. Servers should not give one out, and some do.
    case other(String)

    /// The five that may be sent.
    package static let known: [PollType] = [.push, .pull, .sync, .task, .ack]

    /// The type of that word. The five are spelled in capitals; anything else is `other`.
    package init(_ word: String) {
        self = Self.known.first { $0.description == word } ?? .other(word)
    }

    /// The word as it stands in a message.
    package var description: String {
        switch self {
        case .push: "PUSH"
        case .pull: "PULL"
        case .sync: "SYNC"
        case .task: "TASK"
        case .ack: "ACK"
        case .other(let word): word
        }
    }
}
