/// One question about a fork, and what was found.
package struct ForkCheck: Sendable, Equatable {
    /// What can be asked.
    package enum Subject: String, Sendable, CaseIterable {
        /// Whether the peers' hash is that of the content, wherever it is stated.
        case hash
        /// Whether the digest over everything is.
        case fullHash = "full_hash"
        /// Whether its sender was proven by the key that is pinned for the sender's name.
        case signature
        /// Whether `actor_from` is the sender that was proven.
        case sender
        /// Whether its time is over.
        case expired
        /// Whether it is meant for whoever looks at it.
        case actor
        /// Whether this machine has what it asks for.
        case capabilities
    }

    /// What was found.
    package enum Outcome: String, Sendable {
        /// It holds.
        case pass
        /// It does not.
        case fail
        /// Nobody here can tell.
        case unknown
    }

    package let subject: Subject
    package let outcome: Outcome
    /// Why, in words.
    package let detail: String

    /// A check from its parts.
    package init(_ subject: Subject, _ outcome: Outcome, _ detail: String) {
        self.subject = subject
        self.outcome = outcome
        self.detail = detail
    }

    /// Whether what was looked at is not what its sender made.
    package var showsTampering: Bool {
        outcome == .fail && [.hash, .fullHash, .signature, .sender].contains(subject)
    }
}
