internal import CarrierHTTP
internal import Fabric
internal import SystemPackage

/// What is done with each envelope that comes in: verify, unpack, report.
struct Reception {
    private let inbox: FilePath
    private let target: FilePath?
    private let pinnedKeys: Set<PublicKey>
    private let ledger: TransferLedger?
    private let output: OutputOptions

    /// How many came, how many of them were valid, and how many were unpacked.
    private(set) var arrived = 0
    private(set) var valid = 0
    private(set) var unpacked = 0

    /// - Parameters:
    ///   - target: Where to unpack; nil to leave envelopes as they are.
    ///   - pinnedKeys: The senders that somebody decided to trust.
    ///   - ledger: What came before; nil for an inbox that is not kept.
    init(
        inbox: FilePath, unpackInto target: FilePath?, pinnedKeys: Set<PublicKey>, ledger: TransferLedger?,
        output: OutputOptions
    ) {
        self.inbox = inbox
        self.target = target
        self.pinnedKeys = pinnedKeys
        self.ledger = ledger
        self.output = output
    }

    /// What became of one envelope.
    private struct Outcome: Sendable {
        var verdict: EnvelopeVerdict?
        var paths: [FilePath] = []
        /// Whether it, or one that pretends to be it, came before.
        var isAgain = false
        var problem: String?
    }

    /// Takes one arrival. Nothing that is wrong with it ends the reception of others.
    mutating func take(_ arrival: HTTPArrival) async {
        arrived += 1
        let outcome: Outcome
        do {
            outcome = try await Blocking.run { [self] in try process(arrival) }
        } catch {
            outcome = Outcome(problem: "\(error)")
        }
        if outcome.verdict?.isValid == true, !outcome.isAgain { valid += 1 }
        if target != nil, outcome.problem == nil, !outcome.paths.isEmpty { unpacked += 1 }
        tell(arrival, outcome)
    }

    private func process(_ arrival: HTTPArrival) throws -> Outcome {
        let file = inbox.appending(arrival.publication.storedName.text)
        var verifier = EnvelopeVerifier()
        verifier.pinnedKeys = pinnedKeys
        let (verdict, envelope) = try verifier.verify(file, arrivedAs: arrival.requestedName.text)
        var outcome = Outcome(verdict: verdict)
        guard let envelope, verdict.isValid else { return outcome }
        let digest = arrival.publication.digest
        outcome.problem = try ledger?.standing(of: envelope.manifest, digest: digest).fault?.description
        outcome.isAgain = outcome.problem != nil
        guard !outcome.isAgain else { return outcome }
        if let target {
            if verdict.needsTriage {
                outcome.problem = "not unpacked: its name contradicts its manifest"
            } else {
                do {
                    outcome.paths = try unpack(envelope, into: target)
                } catch {
                    // Not remembered either: what failed today may be done tomorrow.
                    outcome.problem = "not unpacked: \(error)"
                    return outcome
                }
            }
        }
        try ledger?.remember(envelope.manifest, digest: digest)
        return outcome
    }

    private func unpack(_ envelope: EnvelopeFile, into target: FilePath) throws -> [FilePath] {
        var unpacker = Unpacker()
        unpacker.isDurable = true
        do throws(EnvelopeError) {
            return try unpacker.unpack(envelope, into: target).paths
        } catch {
            guard case .targetExists = error else { throw error }
            // Two senders may send things of one name; both survive, as envelopes of one name do.
            return try unpacker.unpack(envelope, into: target.appending(envelope.manifest.transferID.text)).paths
        }
    }

    private func tell(_ arrival: HTTPArrival, _ outcome: Outcome) {
        if output.json { tellJSON(arrival, outcome) } else { tellPerson(arrival, outcome) }
    }

    private func tellPerson(_ arrival: HTTPArrival, _ outcome: Outcome) {
        let publication = arrival.publication
        let resumed = arrival.resumedFrom > 0 ? ", resumed at \(Quantity.bytes(arrival.resumedFrom))" : ""
        Terminal.say("✓ received \(publication.storedName) (\(Quantity.bytes(publication.size))\(resumed))")
        for line in outcome.verdict.map({ VerdictReport(verdict: $0).lines }) ?? [] { Terminal.say("  " + line) }
        for path in outcome.paths.prefix(5) { Terminal.say("  ✓ unpacked → \(VerdictReport.shown(path.string))") }
        if let problem = outcome.problem { Terminal.complain(problem) }
    }

    private func tellJSON(_ arrival: HTTPArrival, _ outcome: Outcome) {
        let publication = arrival.publication
        var fields: [(String, JSONLine.Value)] = [
            ("event", "received"), ("name", .text(publication.requestedName.text)),
            ("stored_name", .text(publication.storedName.text)), ("size_bytes", .number(publication.size)),
            ("received_at", .text(arrival.date.iso8601)), ("digest", .text(publication.digest.description)),
            ("resumed_from", .number(arrival.resumedFrom)), ("remote", .init(arrival.remoteAddress)),
        ]
        switch arrival.authentication {
        case .none: fields.append(("auth", "none"))
        case .invalid: fields.append(("auth", "invalid"))
        case .valid(let key, let claim):
            fields += [("auth", "valid"), ("auth_key", .text(key.hex)), ("sender_did", .init(claim))]
        }
        let verdict = outcome.verdict.map { VerdictReport(verdict: $0).fields.filter { $0.0 != "size_bytes" } } ?? []
        fields += verdict + [("unpacked", .init(outcome.paths.map(\.string))), ("problem", .init(outcome.problem))]
        Terminal.say(JSONLine(fields))
    }
}
