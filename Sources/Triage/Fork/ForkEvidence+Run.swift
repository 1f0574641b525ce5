package import Fabric

/// The command that works on a fork, as the evidence has it: begun before it starts, ended after.
extension ForkEvidence {
    /// What came of the command.
    package struct Run: Sendable {
        package var command: [String]
        package var startedAt: Timestamp
        package var endedAt: Timestamp
        /// Nil where it is not known.
        package var exitCode: Int64?
        package var succeeded: Bool
        package var resumeHash: String
        package var outputDigest: Digest?
        package var errorsDigest: Digest?
        package var problem: String?

        /// A run from its parts.
        package init(
            command: [String], startedAt: Timestamp, endedAt: Timestamp, exitCode: Int64?, succeeded: Bool,
            resumeHash: String, outputDigest: Digest?, errorsDigest: Digest?, problem: String?
        ) {
            self.command = command
            self.startedAt = startedAt
            self.endedAt = endedAt
            self.exitCode = exitCode
            self.succeeded = succeeded
            self.resumeHash = resumeHash
            self.outputDigest = outputDigest
            self.errorsDigest = errorsDigest
            self.problem = problem
        }
    }

    /// How far a run came. The raw values stand in the file.
    package enum RunOutcome: String, Sendable {
        /// It was started, and nothing says that it ended.
        case started
        /// It ended, well or not.
        case ended
        /// The listener died while it ran: it was not run again.
        case unknown
    }

    /// How far the run came; nil as long as none was started.
    package var runOutcome: RunOutcome? {
        fields["run"]?["outcome"]?.text.flatMap(RunOutcome.init(rawValue:))
    }

    /// How the command ended: whether well, and with which hash; nil as long as that is not settled.
    package var run: (succeeded: Bool, resumeHash: String)? {
        guard let run = fields["run"]?.object, let outcome = runOutcome, outcome != .started else { return nil }
        return (run["success"]?.bool ?? false, run["resume_hash"]?.text ?? "")
    }

    /// Writes down that the command is about to start.
    package mutating func noteStart(of command: [String], at moment: Timestamp = .now()) {
        set(run: [
            "outcome": .text(RunOutcome.started.rawValue), "command": .texts(command),
            "started_at": .text(ForkTime.text(moment)),
        ])
    }

    /// Writes down what the command came to.
    package mutating func note(_ run: Run) {
        set(run: [
            "outcome": .text(RunOutcome.ended.rawValue), "command": .texts(run.command),
            "started_at": .text(ForkTime.text(run.startedAt)), "ended_at": .text(ForkTime.text(run.endedAt)),
            "exit_code": run.exitCode.map(JSONValue.integer) ?? .null, "success": .bool(run.succeeded),
            "resume_hash": .text(run.resumeHash), "stdout_sha256": .text(orNull: run.outputDigest?.hex),
            "stderr_sha256": .text(orNull: run.errorsDigest?.hex), "problem": .text(orNull: run.problem),
        ])
    }

    /// Writes down that the listener died while the command ran, and returns what there is to say of that run.
    package mutating func noteUnknownOutcome(at moment: Timestamp = .now()) -> Run {
        let started = fields["run"]?.object ?? [:]
        let command = started["command"]?.list?.compactMap(\.text) ?? []
        let start = started["started_at"]?.text.flatMap(ForkTime.parse) ?? moment
        let run = Run(
            command: command, startedAt: start, endedAt: moment, exitCode: nil, succeeded: false, resumeHash: "",
            outputDigest: nil, errorsDigest: nil,
            problem: "outcome unknown: the listener died while the command ran, and the command was not run again")
        set(run: [
            "outcome": .text(RunOutcome.unknown.rawValue), "command": .texts(command),
            "started_at": .text(ForkTime.text(start)), "found_at": .text(ForkTime.text(moment)), "exit_code": .null,
            "success": false, "resume_hash": "", "problem": .text(orNull: run.problem),
        ])
        return run
    }

    /// Forgets a run that was stopped from here, so that it can be begun again.
    package mutating func forgetRun() { set(run: .null) }
}
