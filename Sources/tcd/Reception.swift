internal import CarrierHTTP
internal import Fabric
internal import SystemPackage

/// What is done with each envelope that comes in: verify, unpack, report.
struct Reception {
    private let inbox: FilePath
    private let target: FilePath?
    private let pinnedKeys: Set<PublicKey>
    private let output: OutputOptions

    /// How many came, how many of them were valid, and how many were unpacked.
    private(set) var arrived = 0
    private(set) var valid = 0
    private(set) var unpacked = 0

    /// - Parameters:
    ///   - target: Where to unpack; nil to leave envelopes as they are.
    ///   - pinnedKeys: The senders that somebody decided to trust.
    init(inbox: FilePath, unpackInto target: FilePath?, pinnedKeys: Set<PublicKey>, output: OutputOptions) {
        self.inbox = inbox
        self.target = target
        self.pinnedKeys = pinnedKeys
        self.output = output
    }

    /// What became of one envelope.
    private struct Outcome: Sendable {
        var verdict: EnvelopeVerdict?
        var paths: [FilePath] = []
        var problem: String?
    }

    /// Takes one arrival. Nothing that is wrong with it ends the reception of others.
    mutating func take(_ arrival: HTTPArrival) async {
        arrived += 1
        let (inbox, target, pinnedKeys) = (inbox, target, pinnedKeys)
        let outcome: Outcome
        do {
            outcome = try await Blocking.run {
                try Self.process(arrival, in: inbox, unpackInto: target, pinnedKeys: pinnedKeys)
            }
        } catch {
            outcome = Outcome(problem: "\(error)")
        }
        if outcome.verdict?.isValid == true { valid += 1 }
        if target != nil, outcome.problem == nil, !outcome.paths.isEmpty { unpacked += 1 }
        tell(arrival, outcome)
    }

    private static func process(
        _ arrival: HTTPArrival, in inbox: FilePath, unpackInto target: FilePath?, pinnedKeys: Set<PublicKey>
    ) throws -> Outcome {
        let file = inbox.appending(arrival.publication.storedName.text)
        var verifier = EnvelopeVerifier()
        verifier.pinnedKeys = pinnedKeys
        let (verdict, envelope) = try verifier.verify(file, arrivedAs: arrival.requestedName.text)
        var outcome = Outcome(verdict: verdict)
        guard let target, let envelope, verdict.isValid else { return outcome }
        guard !verdict.needsTriage else {
            outcome.problem = "not unpacked: its name contradicts its manifest"
            return outcome
        }
        var unpacker = Unpacker()
        unpacker.isDurable = true
        do throws(EnvelopeError) {
            outcome.paths = try unpacker.unpack(envelope, into: target).paths
        } catch {
            guard case .targetExists = error else { throw error }
            // Two senders may send things of one name; both survive, as envelopes of one name do.
            let own = target.appending(verdict.manifest?.transferID.text ?? arrival.publication.digest.hex)
            outcome.paths = try unpacker.unpack(envelope, into: own).paths
        }
        return outcome
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
