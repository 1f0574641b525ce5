package import Fabric

/// What is written down beside a fork that came in: how it came, what was found, what was done.
///
/// `<stem>.evidence.json`, described in `docs/forks.md`. It is written before anything is done, and again after.
package struct ForkEvidence: Sendable {
    /// How a fork came.
    package enum Origin: Sendable {
        /// In a message of a hub, which proved the sender by `key`; nil where it proved nothing.
        case message(id: String, sender: String, key: PublicKey?, hub: String, createdAt: String)
        /// In a sealed envelope; from which mailbox of which hub, where a hub brought it.
        case envelope(
            path: String, name: String, digest: Digest, transferID: TransferID, signer: PublicKey, signerName: String,
            mailbox: (hub: String, agent: String)?)
    }

    /// What is done with it.
    package enum Decision: String, Sendable {
        /// It is kept, and executed if that was asked for.
        case taken
        /// It is kept and not executed, because of what was found.
        case refused
        /// It is left to other listeners.
        case released
        /// It is kept and not executed, because its sender is not known.
        case triage
    }

    /// Whether the sender is believed, and why not.
    package struct Trust: Sendable, Equatable {
        /// `continue`, `triage` or `refused`.
        package let outcome: String
        /// The word for the gravest objection; nil where there is none.
        package let reason: String?
        /// The same in words.
        package let detail: String?
        /// How the sender's key compares with the pin of the name: `matches`, `former`, `unknown`, `differs`; nil where
        /// no key was proven.
        package let pin: String?

        /// A decision from its parts.
        package init(outcome: String, reason: String?, detail: String?, pin: String?) {
            self.outcome = outcome
            self.reason = reason
            self.detail = detail
            self.pin = pin
        }
    }

    /// The object in the file.
    package private(set) var fields: JSONObject

    private static let format = "tibet-fork-evidence-v1"

    /// What was found of a fork.
    ///
    /// - Parameters:
    ///   - agent: Who took it in.
    ///   - machine: Where.
    package init(
        _ examination: ForkExamination, announced: String?, origin: Origin, trust: Trust, agent: String?,
        machine: Machine, isStrict: Bool, decision: Decision
    ) {
        let token = examination.token
        fields = [
            "format": .text(Self.format), "fork_id": .text(token.id), "fork_hash": .text(token.hash),
            "stated_fork_hash": .text(orNull: token.statedHash), "announced_fork_hash": .text(orNull: announced),
            "actor_handoff": .text("\(token.actorFrom) -> \(agent ?? "*")"), "agent": .text(orNull: agent),
            "machine": .text(machine.host), "received_at": .text(ForkTime.text(examination.moment)),
            "sender_clock_lead_seconds": examination.clockLead.map(JSONValue.integer) ?? .null,
            "origin": .object(origin.fields), "trust": .object(trust.fields),
            "checks": .object(Self.fields(of: examination.checks)),
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

    /// What was found of an envelope that was kept and not opened, so that its token is not known.
    package init(
        unopened origin: Origin, trust: Trust, checks: [ForkCheck], agent: String?, machine: Machine, isStrict: Bool,
        decision: Decision, at moment: Timestamp = .now()
    ) {
        fields = [
            "format": .text(Self.format), "fork_id": .null, "fork_hash": .null, "agent": .text(orNull: agent),
            "machine": .text(machine.host), "received_at": .text(ForkTime.text(moment)),
            "origin": .object(origin.fields), "trust": .object(trust.fields),
            "checks": .object(Self.fields(of: checks)), "strict": .bool(isStrict),
            "decision": .text(decision.rawValue), "run": .null, "answer": .null,
        ]
    }

    /// Reads evidence that was written before; nil for anything else.
    package init?(parsing bytes: [UInt8]) {
        guard let object = (try? JSONValue(parsing: bytes))?.object, object["format"]?.text == Self.format else {
            return nil
        }
        fields = object
    }

    /// The text of the file.
    package var fileText: String { JSONValue.object(fields).text(.indentedPython) + "\n" }

    /// The hash of the token that it is about; empty where the token is not known.
    package var forkHash: String { fields["fork_hash"]?.text ?? "" }
    /// The hash that the message announced; nil where none did.
    package var announcedHash: String? { fields["announced_fork_hash"]?.text }
    /// The mailbox that took it in.
    package var agent: String? { fields["agent"]?.text }
    /// What was decided.
    package var decision: Decision? { fields["decision"]?.text.flatMap(Decision.init(rawValue:)) }
    /// Whether it is kept because its sender was not believed.
    package var isKeptBack: Bool { fields["trust"]?["outcome"]?.text.map { $0 != Trust.proceeds } ?? false }

    /// How it came; nil where that cannot be read.
    package var origin: Origin? { fields["origin"]?.object.flatMap { Origin($0) } }

    /// Whether the answer was sent.
    package var isAnswered: Bool { fields["answer"]?.object != nil }

    /// Writes down that an answer was sent.
    package mutating func noteAnswer(_ status: ForkAnswer.Status, to receiver: String, as reference: String) {
        fields["answer"] = [
            "status": .text(status.rawValue), "to": .text(receiver), "reference": .text(reference),
            "at": .text(ForkTime.text(.now())),
        ]
    }

    /// Sets what became of the command; `.null` for one that did not run.
    mutating func set(run: JSONValue) { fields["run"] = run }

    // MARK: - Parts

    private static func fields(of checks: [ForkCheck]) -> JSONObject {
        var fields = JSONObject()
        for check in checks {
            fields[check.subject.rawValue] = [
                "outcome": .text(check.outcome.rawValue), "detail": .text(check.detail),
            ]
        }
        return fields
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

extension ForkEvidence.Trust {
    /// The outcome of a sender that is believed.
    package static let proceeds = "continue"

    fileprivate var fields: JSONObject {
        [
            "outcome": .text(outcome), "reason": .text(orNull: reason), "detail": .text(orNull: detail),
            "pin": .text(orNull: pin),
        ]
    }
}

extension ForkEvidence.Origin {
    fileprivate var fields: JSONObject {
        switch self {
        case .message(let id, let sender, let key, let hub, let createdAt):
            [
                "kind": "message", "hub": .text(hub), "poll_id": .text(id), "from_agent": .text(sender),
                "proven": .bool(key != nil), "sender_key": .text(orNull: key?.hex), "created_at": .text(createdAt),
            ]
        case .envelope(let path, let name, let digest, let transferID, let signer, let signerName, let mailbox):
            [
                "kind": "envelope", "envelope_path": .text(path), "envelope_name": .text(name),
                "envelope_digest": .text(digest.description),
                "tpid": .text(transferID.text), "sender_pubkey": .text(signer.hex), "sender_aint": .text(signerName),
                "hub": .text(orNull: mailbox?.hub), "from_agent": .text(orNull: mailbox?.agent),
            ]
        }
    }

    fileprivate init?(_ fields: JSONObject) {
        let hub = fields["hub"]?.text
        let agent = fields["from_agent"]?.text
        switch fields["kind"]?.text {
        case "message":
            guard let hub, let agent, let id = fields["poll_id"]?.text else { return nil }
            self = .message(
                id: id, sender: agent, key: fields["sender_key"]?.text.flatMap { PublicKey(hex: $0) }, hub: hub,
                createdAt: fields["created_at"]?.text ?? "")
        case "envelope":
            guard let path = fields["envelope_path"]?.text, let name = fields["envelope_name"]?.text,
                let digest = fields["envelope_digest"]?.text.flatMap({ Self.digest($0) }),
                let transferID = fields["tpid"]?.text.flatMap({ TransferID($0) }),
                let signer = fields["sender_pubkey"]?.text.flatMap({ PublicKey(hex: $0) }),
                let signerName = fields["sender_aint"]?.text
            else { return nil }
            let mailbox = hub.flatMap { hub in agent.map { (hub: hub, agent: $0) } }
            self = .envelope(
                path: path, name: name, digest: digest, transferID: transferID, signer: signer, signerName: signerName,
                mailbox: mailbox)
        default: return nil
        }
    }

    private static func digest(_ text: String) -> Digest? {
        let prefix = "sha256:"
        return text.hasPrefix(prefix) ? Digest(hex: String(text.dropFirst(prefix.count))) : nil
    }
}
