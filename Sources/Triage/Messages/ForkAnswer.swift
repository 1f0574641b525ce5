package import Fabric

/// What became of a fork, told to whoever handed it over (`ipoll.md`, section 8.3).
package struct ForkAnswer: Sendable, Equatable {
    /// Whether it was gone on with.
    package enum Status: String, Sendable {
        case resumed = "RESUMED_OK"
        case failed = "RESUMED_FAIL"
        /// The listener died while its command ran, so that nothing says what became of it. Peers know no such word: a
        /// message says `RESUMED_FAIL`, and `outcome` beside it.
        case unknown = "OUTCOME_UNKNOWN"
        /// It came, and that is all; said in sealed receipts only, since peers know no such word.
        case received = "RECEIVED"

        /// The word in messages.
        var wireWord: String { self == .unknown ? Self.failed.rawValue : rawValue }
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
            let status = metadata["fork_status"]?.text.flatMap(Status.init(rawValue:)),
            [.resumed, .failed].contains(status)
        else { return nil }
        forkID = metadata["fork_id"]?.text ?? ""
        handoff = ""
        self.status = status == .failed && metadata["outcome"]?.text == Self.unknownWord ? .unknown : status
        resumeHash = metadata["resume_hash"]?.text ?? ""
        resumedBy = metadata["resumed_by"]?.text ?? ""
    }

    private static let unknownWord = "unknown"

    /// The mailbox that an answer goes to, at the hub that brought the message: its sender's where the hub proved the
    /// sender. Else the token's `actor_from`, as peers have it, or the sender's where that cannot be a mailbox. Nil where
    /// none can be one.
    package static func receiver(for token: ForkToken, sender: String?, isProven: Bool) -> String? {
        let names = isProven ? [sender] : [token.actorFrom, sender]
        return names.compactMap { $0 }.first(where: MailboxName.isPlain)
    }

    /// What people see of it.
    package func content(at moment: Timestamp) -> String {
        [
            "FORK \(status.wireWord) — \(forkID)", "", "Handoff: \(handoff)", "Resumed by: \(resumedBy)",
            "Resume stack hash: \(resumeHash)", "Time: \(ForkTime.text(moment))",
        ].joined(separator: "\n")
            + (status == .unknown ? "\nOutcome unknown: the listener died while its command ran." : "")
    }

    /// What programs read of it.
    package var metadata: JSONObject {
        var metadata: JSONObject = [
            "upip_fork": true, "fork_id": .text(forkID), "fork_status": .text(status.wireWord),
            "resume_hash": .text(resumeHash), "resumed_by": .text(resumedBy),
        ]
        if status == .unknown { metadata["outcome"] = .text(Self.unknownWord) }
        return metadata
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
