package import Fabric

/// What became of a fork, told to whoever handed it over (`ipoll.md`, section 8.3).
package struct ForkAnswer: Sendable, Equatable {
    /// Whether it was gone on with.
    package enum Status: String, Sendable {
        case resumed = "RESUMED_OK"
        case failed = "RESUMED_FAIL"
        /// It came, and that is all; said in sealed receipts only, since peers know no such word.
        case received = "RECEIVED"
    }

    /// The fork.
    package let forkID: String
    /// Who handed over to whom.
    package let handoff: String
    package let status: Status
    /// The hash of what came of it; empty after a failure.
    package let resumeHash: String
    /// Who went on with it: the mailbox that the answer is sent from.
    package let resumedBy: String

    /// The kind of message.
    package static let pollType = "ACK"

    /// An answer about `token`.
    package init(to token: ForkToken, _ status: Status, resumeHash: String, by agent: String) {
        forkID = token.id
        handoff = token.handoff
        self.status = status
        self.resumeHash = status == .resumed ? resumeHash : ""
        resumedBy = agent
    }

    /// Reads an answer; nil for a message that is none.
    package init?(_ message: JSONObject) {
        guard let metadata = message["metadata"]?.object,
            (message["type"] ?? message["poll_type"])?.text == Self.pollType,
            metadata["upip_fork"]?.isTruthy == true,
            let status = metadata["fork_status"]?.text.flatMap(Status.init(rawValue:)), status != .received
        else { return nil }
        forkID = metadata["fork_id"]?.text ?? ""
        handoff = ""
        self.status = status
        resumeHash = metadata["resume_hash"]?.text ?? ""
        resumedBy = metadata["resumed_by"]?.text ?? ""
    }

    /// The mailbox that an answer goes to: the token's `actor_from`, unless that cannot be a mailbox; then that of whoever
    /// sent the message. Nil where neither can be one.
    package static func receiver(for token: ForkToken, sender: String?) -> String? {
        if MailboxName.isPlain(token.actorFrom) { return token.actorFrom }
        return sender.flatMap { MailboxName.isPlain($0) ? $0 : nil }
    }

    /// What people see of it.
    package func content(at moment: Timestamp) -> String {
        [
            "FORK \(status.rawValue) — \(forkID)", "", "Handoff: \(handoff)", "Resumed by: \(resumedBy)",
            "Resume stack hash: \(resumeHash)", "Time: \(ForkTime.text(moment))",
        ].joined(separator: "\n")
    }

    /// What programs read of it.
    package var metadata: JSONObject {
        [
            "upip_fork": true, "fork_id": .text(forkID), "fork_status": .text(status.rawValue),
            "resume_hash": .text(resumeHash), "resumed_by": .text(resumedBy),
        ]
    }

    /// The body of the request that sends it.
    package func body(to receiver: String, at moment: Timestamp = .now()) -> JSONObject {
        [
            "from_agent": .text(resumedBy), "to_agent": .text(receiver), "content": .text(content(at: moment)),
            "poll_type": .text(Self.pollType), "metadata": .object(metadata),
        ]
    }

    /// What a sealed receipt says of it, in the note of an acknowledgement.
    package var note: String { "\(status.rawValue) \(forkID) \(resumeHash)".trimmed }
}
