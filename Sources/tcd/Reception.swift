internal import CarrierHTTP
internal import Fabric
internal import SystemPackage

/// What is done with each envelope that comes in: verify, unpack, report.
struct Reception {
    private let inbox: FilePath
    private let rules: ReceptionRules
    private let ledger: TransferLedger
    private let inboxIsNew: Bool
    private let reserve: Int64
    private let output: OutputOptions

    /// How many came, how many of them were dealt with as was asked for, and how many were unpacked.
    private(set) var arrived = 0
    private(set) var done = 0
    private(set) var unpacked = 0

    /// - Parameters:
    ///   - rules: What to unpack, and from whom; the pins are looked up for each arrival.
    ///   - ledger: What came before.
    ///   - reserve: How much disk to leave free.
    init(
        _ inbox: InboxPlace, by rules: ReceptionRules, ledger: TransferLedger, reserve: Int64, output: OutputOptions
    ) {
        self.inbox = inbox.directory
        inboxIsNew = inbox.isNew
        self.rules = rules
        self.ledger = ledger
        self.reserve = reserve
        self.output = output
    }

    /// What became of one envelope.
    private struct Outcome: Sendable {
        var verdict: EnvelopeVerdict?
        var decision: TrustDecision?
        var paths: [FilePath] = []
        /// Whether it, or one that pretends to be it, came before.
        var isAgain = false
        var problem: String?

        var report: VerdictReport? {
            guard let verdict, let decision else { return nil }
            return VerdictReport(verdict: verdict, decision: decision)
        }
    }

    /// Takes what lies in the inbox and was never dealt with: it was confirmed to its sender, and will not come again.
    mutating func takeBacklog() async throws {
        let (inbox, ledger) = (inbox, ledger)
        let found = try await Blocking.run { try Candidate.backlog(in: inbox, unknownTo: ledger) }
        for candidate in found { await take(candidate) }
    }

    /// Takes one arrival. Nothing that is wrong with it ends the reception of others.
    mutating func take(_ arrival: Candidate) async {
        let outcome: Outcome
        do {
            outcome = try await Blocking.run { [self] in try process(arrival) }
        } catch {
            outcome = Outcome(problem: "\(error)")
        }
        // A sender that missed the first answer asks again, and there is nothing new to tell.
        if outcome.isAgain, arrival.isDuplicate { return }
        arrived += 1
        if outcome.verdict?.isValid == true, outcome.problem == nil {
            done += 1
            if rules.target != nil { unpacked += 1 }
        }
        tell(arrival, outcome)
    }

    private func process(_ arrival: Candidate) throws -> Outcome {
        let file = inbox.appending(arrival.storedName.text)
        let policy = try rules.policy()
        let (verdict, envelope) = try EnvelopeVerifier().verify(file, arrivedAs: arrival.requestedName.text)
        var standing: TransferLedger.Standing?
        if let envelope, verdict.isValid {
            standing = try ledger.standing(of: envelope.manifest, digest: arrival.digest)
            // Before an inbox that is new nothing can have come, however old it is.
            if standing == .tooOld, inboxIsNew { standing = nil }
        }
        let decision = policy.decide(verdict, standing: standing)
        var outcome = Outcome(verdict: verdict, decision: decision)
        guard let envelope, verdict.isValid else { return outcome }
        if let fault = standing?.fault {
            outcome.problem = fault.description
            outcome.isAgain = standing != .tooOld
            return outcome
        }
        if let objection = rules.target == nil ? decision.refusal : decision.objection {
            // Not remembered: once an operator has decided, it is taken from the inbox.
            outcome.problem = "not unpacked: \(objection)"
            return outcome
        }
        if let target = rules.target {
            do {
                outcome.paths = try unpack(envelope, into: target)
            } catch {
                // Not remembered either: what failed today may be done tomorrow.
                outcome.problem = "not unpacked: \(error)"
                return outcome
            }
        }
        do {
            try ledger.remember(envelope.manifest, digest: arrival.digest)
        } catch {
            Terminal.note("what came is unpacked, but cannot be remembered: \(error)")
        }
        return outcome
    }

    private func unpack(_ envelope: EnvelopeFile, into target: FilePath) throws -> [FilePath] {
        var unpacker = Unpacker()
        unpacker.isDurable = true
        unpacker.reserve = reserve
        unpacker.limits.unpackedBytes = rules.largestUnpacked
        do throws(EnvelopeError) {
            return try unpacker.unpack(envelope, into: target).paths
        } catch {
            guard case .targetExists = error else { throw error }
            // Two senders may send things of one name; both survive, as envelopes of one name do.
            return try unpacker.unpack(envelope, into: target.appending(envelope.manifest.transferID.text)).paths
        }
    }

    private func tell(_ arrival: Candidate, _ outcome: Outcome) {
        if output.json { tellJSON(arrival, outcome) } else { tellPerson(arrival, outcome) }
    }

    private func tellPerson(_ arrival: Candidate, _ outcome: Outcome) {
        let resumed = arrival.resumedFrom > 0 ? ", resumed at \(Quantity.bytes(arrival.resumedFrom))" : ""
        Terminal.say("✓ received \(arrival.storedName) (\(Quantity.bytes(arrival.size))\(resumed))")
        if let sender = arrival.sender { output.explain(SenderWords.line(sender)) }
        for line in outcome.report?.lines ?? [] { Terminal.say("  " + line) }
        for path in outcome.paths.prefix(5) { Terminal.say("  ✓ unpacked → \(VerdictReport.shown(path.string))") }
        if let problem = outcome.problem { Terminal.complain(problem) }
    }

    private func tellJSON(_ arrival: Candidate, _ outcome: Outcome) {
        var fields: [(String, JSONLine.Value)] = [
            ("event", "received"), ("name", .text(arrival.requestedName.text)),
            ("stored_name", .text(arrival.storedName.text)), ("size_bytes", .number(arrival.size)),
            ("received_at", .text(arrival.date.iso8601)), ("digest", .text(arrival.digest.description)),
            ("resumed_from", .number(arrival.resumedFrom)), ("remote", .init(arrival.remoteAddress)),
        ]
        if let sender = arrival.sender { fields += SenderWords.fields(sender) }
        switch arrival.authentication {
        case .none: fields.append(("auth", "none"))
        case .invalid: fields.append(("auth", "invalid"))
        case .valid(let key, let claim):
            fields += [("auth", "valid"), ("auth_key", .text(key.hex)), ("sender_did", .init(claim))]
        }
        let verdict = outcome.report?.fields.filter { $0.0 != "size_bytes" } ?? []
        fields += verdict + [("unpacked", .init(outcome.paths.map(\.string))), ("problem", .init(outcome.problem))]
        Terminal.say(JSONLine(fields))
    }
}
