internal import Fabric
internal import HubClient
internal import Triage

/// Whose forks are executed, unpacked and answered: what `TrustPolicy` decides, and that the token names the same sender.
struct ForkTrust: Sendable {
    /// Which envelopes are for this listener.
    let receiver: TrustPolicy.Receiver
    /// Whose forks are accepted.
    let senders: TrustPolicy.Senders

    /// The trust that options ask for. Reads the pins, so that what cannot be read stops the command at its start. Blocks.
    init(receiver: TrustPolicy.Receiver, choosing options: SenderOptions) throws {
        let signers = try PinnedSigners(in: TrustStore(state: try HostDirectories.current().state()))
        self.receiver = receiver
        senders = try options.senders(signers)
    }

    /// The policy by the pins as they are now. Blocks.
    ///
    /// - Throws: `TrustError` when the pins cannot be read; then nothing is decided.
    func policy() throws -> TrustPolicy {
        var policy = TrustPolicy(
            signers: try PinnedSigners(in: TrustStore(state: try HostDirectories.current().state())))
        policy.receiver = receiver
        policy.senders = senders
        return policy
    }

    /// What is to become of a message from the agent `sender`. Blocks.
    ///
    /// - Parameter key: The key by which the hub proved the sender; nil where it proved nothing.
    func standing(ofMessageFrom sender: String, provenBy key: PublicKey?) throws -> ForkStanding {
        let policy = try policy()
        let decision = policy.decide(name: Self.pinnedName(of: sender, in: policy.signers), provenBy: key)
        let shown = VerdictReport.shown(sender)
        let who =
            key.map { "the hub proved '\(shown)' by the key \($0.hex)" }
            ?? "the hub did not prove that the message is from '\(shown)'"
        return ForkStanding(
            decision, signature: Self.signature(decision, who), provenName: key == nil ? nil : sender,
            acceptsAnyone: senders == .anyone)
    }

    /// What is to become of an envelope. Blocks.
    ///
    /// - Parameter verdict: That of a valid envelope.
    func standing(
        of manifest: Manifest, _ verdict: EnvelopeVerdict, known: TransferLedger.Standing? = nil
    ) throws -> ForkStanding {
        let decision = try policy().decide(verdict, standing: known)
        let who =
            "signed by \(manifest.senderKey.hex), which claims to be '\(VerdictReport.shown(manifest.senderName))'"
        let signature =
            verdict.needsTriage
            ? ForkCheck(.signature, .fail, "\(who), and the envelope's name contradicts its manifest")
            : Self.signature(decision, who)
        return ForkStanding(
            decision, signature: signature, provenName: decision.isPinned ? manifest.senderName : nil,
            acceptsAnyone: senders == .anyone)
    }

    /// A mailbox has one name in two spellings: that for which a key is pinned.
    private static func pinnedName(of agent: String, in signers: PinnedSigners) -> String {
        signers[agent] == nil && signers[agent + ".aint"] != nil ? agent + ".aint" : agent
    }

    private static func signature(_ decision: TrustDecision, _ who: String) -> ForkCheck {
        switch decision.signer?.pin {
        case .matches: ForkCheck(.signature, .pass, "\(who); that key is pinned for the name")
        case .former: ForkCheck(.signature, .fail, "\(who); that is a former key of the name")
        case .differs(let pin): ForkCheck(.signature, .fail, "\(who); \(pin.key) is pinned for the name")
        case .unknown: ForkCheck(.signature, .unknown, "\(who); no key is pinned for the name")
        case nil: ForkCheck(.signature, .unknown, who)
        }
    }
}

/// What is known of the sender of one fork.
struct ForkStanding: Sendable {
    /// What the policy decided.
    let decision: TrustDecision
    /// The check of the sender's key.
    let signature: ForkCheck
    /// The sender's name, where it was proven.
    private let provenName: String?
    private let acceptsAnyone: Bool

    init(_ decision: TrustDecision, signature: ForkCheck, provenName: String?, acceptsAnyone: Bool) {
        self.decision = decision
        self.signature = signature
        self.provenName = provenName
        self.acceptsAnyone = acceptsAnyone
    }

    /// The decision before the token is known.
    var trust: ForkEvidence.Trust { trust(decision.outcome, decision.objection?.code, decision.objection?.explanation) }

    /// The decision on a fork with this token, and the checks that it rests on.
    ///
    /// A token that names another sender than the proven one is kept for triage, unless anyone is accepted.
    func judge(_ token: ForkToken) -> (trust: ForkEvidence.Trust, checks: [ForkCheck]) {
        let sender = check(senderOf: token)
        guard sender.outcome == .fail, decision.outcome == .proceed, !acceptsAnyone else {
            return (trust, [signature, sender])
        }
        return (trust(.triage, "sender-mismatch", sender.detail), [signature, sender])
    }

    private func trust(
        _ outcome: TrustDecision.Outcome, _ reason: String?, _ detail: String?
    ) -> ForkEvidence.Trust {
        ForkEvidence.Trust(outcome: outcome.rawValue, reason: reason, detail: detail, pin: decision.signer?.word)
    }

    private func check(senderOf token: ForkToken) -> ForkCheck {
        let said = "the token says that '\(VerdictReport.shown(token.actorFrom))' hands over"
        guard let provenName else { return ForkCheck(.sender, .unknown, "\(said), and no sender was proven") }
        let proven = "'\(VerdictReport.shown(provenName))' was proven"
        guard !token.actorFrom.isEmpty else {
            return ForkCheck(.sender, .unknown, "the token does not say who hands over; \(proven)")
        }
        return Self.isSame(token.actorFrom, provenName)
            ? ForkCheck(.sender, .pass, "\(said); \(proven)") : ForkCheck(.sender, .fail, "\(said), and \(proven)")
    }

    /// Whether both name one actor: the same full name, or one is the mailbox of the other.
    static func isSame(_ actor: String, _ name: String) -> Bool {
        if actor == name { return true }
        let agents = [actor, name].map { try? AgentName.of($0) }
        guard let first = agents[0], first == agents[1] else { return false }
        // Of two full names at one host only equal ones are the same actor.
        return [actor, name].contains { HubAgent($0) != nil }
    }
}
