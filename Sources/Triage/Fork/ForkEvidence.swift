package import Fabric

/// What is written down beside a fork that came in: how it came, what was found, what was done.
///
/// `<stem>.evidence.json`, described in `docs/forks.md`. It is written before anything is done, and again after.
package struct ForkEvidence: Sendable {
    /// How a fork came.
    package enum Origin: Sendable {
        /// In a message of a hub.
        case message(id: String, sender: String, hub: String, createdAt: String)
        /// In a sealed envelope.
        case envelope(
            path: String, name: String, digest: Digest, transferID: TransferID, signer: PublicKey, signerName: String)
    }

    /// What is done with it.
    package enum Decision: String, Sendable {
        /// It is kept, and gone on with if that was asked for.
        case taken
        /// It is kept and not gone on with, because of what was found.
        case refused
        /// It is left to others.
        case released
    }

    /// What came of the command that went on with it.
    package struct Run: Sendable {
        package var command: [String]
        package var startedAt: Timestamp
        package var endedAt: Timestamp
        package var exitCode: Int64
        package var succeeded: Bool
        package var resumeHash: String
        package var outputDigest: Digest?
        package var errorsDigest: Digest?
        package var problem: String?

        /// A run from its parts.
        package init(
            command: [String], startedAt: Timestamp, endedAt: Timestamp, exitCode: Int64, succeeded: Bool,
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

    /// The object in the file.
    package private(set) var fields: JSONObject

    /// What was found of a fork.
    ///
    /// - Parameters:
    ///   - agent: Who took it in.
    ///   - machine: Where.
    package init(
        _ examination: ForkExamination, announced: String?, origin: Origin, agent: String?, machine: Machine,
        isStrict: Bool, decision: Decision
    ) {
        let token = examination.token
        fields = [
            "format": "tibet-fork-evidence-v1", "fork_id": .text(token.id), "fork_hash": .text(token.hash),
            "stated_fork_hash": .text(orNull: token.statedHash), "announced_fork_hash": .text(orNull: announced),
            "actor_handoff": .text("\(token.actorFrom) -> \(agent ?? "*")"), "agent": .text(orNull: agent),
            "machine": .text(machine.host), "received_at": .text(ForkTime.text(examination.moment)),
            "sender_clock_lead_seconds": examination.clockLead.map(JSONValue.integer) ?? .null,
            "origin": .object(Self.fields(of: origin)), "checks": .object(Self.fields(of: examination)),
            "actor_match": Self.value(of: .actor, in: examination),
            "fork_hash_match": Self.value(of: .hash, in: examination),
            "fork_expired": examination.outcome(of: .expired).map { outcome in
                outcome == .unknown ? .null : .bool(outcome == .fail)
            } ?? .null,
            "capabilities": .list(examination.capabilities.items.map(Self.value(of:))),
            "deps_missing": .texts(examination.capabilities.missing),
            "deps_version_mismatch": .texts(examination.capabilities.otherVersion),
            "gpu_ok": examination.capabilities.hasGPU.map(JSONValue.bool) ?? .null,
            "python": .text(machine.python), "strict": .bool(isStrict), "decision": .text(decision.rawValue),
            "run": .null, "answer": .null,
        ]
    }

    /// Reads evidence that was written before; nil for anything else.
    package init?(parsing bytes: [UInt8]) {
        guard let object = (try? JSONValue(parsing: bytes))?.object,
            object["format"]?.text == "tibet-fork-evidence-v1"
        else { return nil }
        fields = object
    }

    /// The text of the file.
    package var fileText: String { JSONValue.object(fields).text(.indentedPython) + "\n" }

    /// The hash of the token that it is about.
    package var forkHash: String { fields["fork_hash"]?.text ?? "" }
    /// The mailbox that took it in.
    package var agent: String? { fields["agent"]?.text }
    /// The mailbox that it came from, where it came in a message.
    package var messageSender: String? { fields["origin"]?["from_agent"]?.text }
    /// The hub that it came through.
    package var hub: String? { fields["origin"]?["hub"]?.text }
    /// The file of the envelope that it came in.
    package var envelopePath: String? { fields["origin"]?["envelope_path"]?.text }
    /// What was decided.
    package var decision: Decision? { fields["decision"]?.text.flatMap(Decision.init(rawValue:)) }

    /// How the command ended that went on with it: whether well, and with which hash; nil as long as it has not.
    package var run: (succeeded: Bool, resumeHash: String)? {
        guard let run = fields["run"]?.object, let succeeded = run["success"]?.bool else { return nil }
        return (succeeded, run["resume_hash"]?.text ?? "")
    }

    /// Whether whoever handed it over was told.
    package var isAnswered: Bool { fields["answer"]?.object != nil }

    /// Writes down what the command came to.
    package mutating func note(_ run: Run) {
        fields["run"] = [
            "command": .texts(run.command), "started_at": .text(ForkTime.text(run.startedAt)),
            "ended_at": .text(ForkTime.text(run.endedAt)), "exit_code": .integer(run.exitCode),
            "success": .bool(run.succeeded), "resume_hash": .text(run.resumeHash),
            "stdout_sha256": .text(orNull: run.outputDigest?.hex),
            "stderr_sha256": .text(orNull: run.errorsDigest?.hex), "problem": .text(orNull: run.problem),
        ]
    }

    /// Writes down that whoever handed it over was told.
    package mutating func noteAnswer(_ status: ForkAnswer.Status, to receiver: String, as reference: String) {
        fields["answer"] = [
            "status": .text(status.rawValue), "to": .text(receiver), "reference": .text(reference),
            "at": .text(ForkTime.text(.now())),
        ]
    }

    private static func fields(of origin: Origin) -> JSONObject {
        switch origin {
        case .message(let id, let sender, let hub, let createdAt):
            [
                "kind": "message", "hub": .text(hub), "poll_id": .text(id), "from_agent": .text(sender),
                "created_at": .text(createdAt),
            ]
        case .envelope(let path, let name, let digest, let transferID, let signer, let signerName):
            [
                "kind": "envelope", "envelope_path": .text(path), "envelope_name": .text(name),
                "envelope_digest": .text(digest.description),
                "tpid": .text(transferID.text), "sender_pubkey": .text(signer.hex), "sender_aint": .text(signerName),
            ]
        }
    }

    private static func fields(of examination: ForkExamination) -> JSONObject {
        var checks = JSONObject()
        for check in examination.checks {
            checks[check.subject.rawValue] = [
                "outcome": .text(check.outcome.rawValue), "detail": .text(check.detail),
            ]
        }
        return checks
    }

    private static func value(of subject: ForkCheck.Subject, in examination: ForkExamination) -> JSONValue {
        switch examination.outcome(of: subject) {
        case .pass: true
        case .fail: false
        case .unknown, nil: .null
        }
    }

    private static func value(of item: CapabilityCheck.Item) -> JSONValue {
        [
            "wanted": .text(item.wanted), "outcome": .text(item.outcome.rawValue), "detail": .text(item.detail),
        ]
    }
}
