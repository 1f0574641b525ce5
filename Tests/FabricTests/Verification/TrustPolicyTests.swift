import Glibc
import SystemPackage
import Testing

@testable import Fabric

/// One test for each row of the table «whom the receiver believes», and for each outcome.
@Suite("Whom the receiver believes")
struct TrustPolicyTests {
    static let alice = "jis:acme:alice@a.aint"
    static let arrival = "2026-05-14.demo.claude.normal.tza"
    static let moment = Timestamp(seconds: 1_780_000_000)

    let scratch: Scratch
    let signer: SigningKey
    let mine: PublicKey
    let other: PublicKey

    init() throws {
        scratch = try Scratch()
        signer = try SigningKey(seed: Array(0..<32))
        mine = try SigningKey(seed: Array(1..<33)).publicKey
        other = try SigningKey(seed: Array(2..<34)).publicKey
    }

    private func pin(_ key: PublicKey, _ name: String = alice, before: [PublicKey] = []) throws -> Pin {
        try Pin(
            kind: .signer, subject: name, key: key.hex, since: Self.moment, reason: "met", source: "command line",
            previous: before.map { .init(key: $0.hex, since: Self.moment, until: Self.moment, reason: "met") })
    }

    private func policy(_ pins: Pin...) -> TrustPolicy {
        var policy = TrustPolicy(signers: PinnedSigners(pins))
        policy.receiver = .identity(mine)
        return policy
    }

    private func seal(
        to receiver: PublicKey? = nil, at time: Timestamp = moment, named name: String = arrival
    ) throws -> EnvelopeVerdict {
        try scratch.write("note.txt", Array("pay 100".utf8))
        var options = SealOptions(senderName: Self.alice)
        options.time = time
        if let receiver { options.receiverKey = receiver.hex }
        options.surface = ManifestSurface(
            try #require(SurfaceName(parsing: "2026-05-14.demo.claude.normal.tza").surface))
        let path = scratch.path("\(options.transferID.text).tza")
        _ = try Sealer(key: signer, options: options).seal(.path(scratch.path("note.txt").string), to: path)
        return try EnvelopeVerifier().verify(path, arrivedAs: name).verdict
    }

    private func expect(
        _ decision: TrustDecision, _ outcome: TrustDecision.Outcome, _ code: String?, _ state: VerificationState,
        at location: SourceLocation = #_sourceLocation
    ) {
        #expect(decision.outcome == outcome, sourceLocation: location)
        #expect(decision.objection?.code == code, sourceLocation: location)
        #expect(decision.state == state, sourceLocation: location)
        #expect((decision.refusal != nil) == (outcome == .refused), sourceLocation: location)
    }

    @Test("The pinned key, addressed to no key or to this identity: approved")
    func pinned() throws {
        let policy = policy(try pin(signer.publicKey))
        expect(policy.decide(try seal(), at: Self.moment), .proceed, nil, .continuationApproved)
        let mine = policy.decide(try seal(to: mine), standing: .fresh, at: Self.moment)
        expect(mine, .proceed, nil, .continuationApproved)
        #expect(mine.isPinned)
        #expect(mine.signer?.word == "matches")
    }

    @Test("Is it whole? What is not valid is refused, whoever is pinned")
    func invalid() throws {
        let whole = try seal()
        for (code, state) in [
            (EnvelopeFault.Code.blockSignature, VerificationState.digestMatched), (.blockHash, .present),
        ] {
            let verdict = EnvelopeVerdict(
                size: whole.size, faults: [EnvelopeFault(code, block: 1, "changed")], manifest: whole.manifest,
                comparison: nil)
            let decision = policy(try pin(signer.publicKey)).decide(verdict, at: Self.moment)
            expect(decision, .refused, code.rawValue, state)
            #expect(decision.refusal?.category == .badData)
        }
    }

    @Test("Is it from whom it says? A valid key that is pinned for no name waits for a decision")
    func unknown() throws {
        let bob = try pin(other, "jis:acme:bob@b.aint")
        expect(policy(bob).decide(try seal(), at: Self.moment), .triage, "unknown-signer", .manifestVerified)
        var strict = policy(bob)
        strict.requiresPin = true
        expect(strict.decide(try seal(), at: Self.moment), .refused, "not-pinned", .manifestVerified)
    }

    @Test("A key that is pinned for another name proves nothing for this one")
    func otherName() throws {
        let policy = policy(
            try pin(signer.publicKey, "jis:acme:Alice@a.aint"), try pin(signer.publicKey, Self.alice + " "))
        expect(policy.decide(try seal(), at: Self.moment), .triage, "unknown-signer", .manifestVerified)
    }

    @Test("Another key than the pinned one is refused, whatever else is asked for")
    func differs() throws {
        var policy = policy(try pin(other))
        let verdict = try seal()
        expect(policy.decide(verdict, at: Self.moment), .refused, "pin-mismatch", .manifestVerified)
        for senders in [TrustPolicy.Senders.anyone, .listed(names: [Self.alice], keys: [signer.publicKey])] {
            policy.senders = senders
            policy.requiredKeys = [signer.publicKey]
            expect(policy.decide(verdict, at: Self.moment), .refused, "pin-mismatch", .manifestVerified)
        }
        #expect(policy.decide(verdict).refusal?.category == .refused)
    }

    @Test("A former key waits for a decision, also where anyone may send")
    func former() throws {
        var policy = policy(try pin(other, before: [mine, signer.publicKey]))
        expect(policy.decide(try seal(), at: Self.moment), .triage, "former-key", .manifestVerified)
        policy.senders = .anyone
        let decision = policy.decide(try seal(), at: Self.moment)
        expect(decision, .triage, "former-key", .manifestVerified)
        #expect(decision.signer?.word == "former")
        policy.requiresPin = true
        expect(policy.decide(try seal(), at: Self.moment), .refused, "pin-mismatch", .manifestVerified)
    }

    @Test("Is it for me? What is addressed to another key is refused")
    func wrongReceiver() throws {
        var policy = policy(try pin(signer.publicKey))
        let verdict = try seal(to: other)
        expect(policy.decide(verdict, at: Self.moment), .refused, "wrong-receiver", .manifestVerified)
        #expect(policy.decide(verdict).refusal?.category == .refused)
        // It may be taken all the same, and is not approved by that.
        policy.receiver = .any
        expect(policy.decide(verdict, at: Self.moment), .proceed, nil, .manifestVerified)
    }

    @Test("A machine without an identity takes what is addressed to no key, and leaves the rest for a decision")
    func unidentified() throws {
        let policy = TrustPolicy(signers: PinnedSigners([try pin(signer.publicKey)]))
        expect(policy.decide(try seal(), at: Self.moment), .proceed, nil, .continuationApproved)
        expect(policy.decide(try seal(to: other), at: Self.moment), .triage, "receiver-unknown", .manifestVerified)
    }

    @Test("Did it come before? Then it goes no further")
    func replayed() throws {
        let policy = policy(try pin(signer.publicKey))
        let rows: [(TransferLedger.Standing, String)] = [
            (.duplicate, "duplicate"), (.replayed(first: Digest(of: [1])), "replayed-tpid"), (.tooOld, "replayed-tpid"),
        ]
        for (standing, code) in rows {
            expect(policy.decide(try seal(), standing: standing, at: Self.moment), .refused, code, .manifestVerified)
        }
    }

    @Test("A name that contradicts the manifest waits for a decision; so does one that says nothing of what is sealed")
    func surface() throws {
        let policy = policy(try pin(signer.publicKey))
        let renamed = try seal(named: "2026-05-14.demo.claude.urgent.tza")
        expect(policy.decide(renamed, at: Self.moment), .triage, "surface-mismatch", .containerVerified)
        let nameless = try seal(named: "Envelope.tza")
        expect(policy.decide(nameless, at: Self.moment), .triage, "surface-partial", .containerVerified)
    }

    @Test("More than a day ahead waits for a decision")
    func datedAhead() throws {
        let policy = policy(try pin(signer.publicKey))
        let day = Timestamp(seconds: Self.moment.seconds + 86400)
        expect(policy.decide(try seal(at: day), at: Self.moment), .proceed, nil, .continuationApproved)
        let later = Timestamp(seconds: day.seconds + 1)
        expect(policy.decide(try seal(at: later), at: Self.moment), .triage, "dated-ahead", .manifestVerified)
    }

    @Test("A list of senders narrows the pinned names, and adds keys that prove no name")
    func listed() throws {
        var policy = policy(try pin(signer.publicKey), try pin(other, "jis:acme:bob@b.aint"))
        policy.senders = .listed(names: ["jis:acme:bob@b.aint"], keys: [])
        expect(policy.decide(try seal(), at: Self.moment), .triage, "not-listed", .manifestVerified)
        policy.senders = .listed(names: [Self.alice], keys: [])
        expect(policy.decide(try seal(), at: Self.moment), .proceed, nil, .continuationApproved)
        policy.senders = .listed(names: [], keys: [other])
        expect(policy.decide(try seal(), at: Self.moment), .proceed, nil, .continuationApproved)
        policy.signers = PinnedSigners()
        expect(policy.decide(try seal(), at: Self.moment), .triage, "unknown-signer", .manifestVerified)
        policy.senders = .listed(names: [], keys: [signer.publicKey])
        expect(policy.decide(try seal(), at: Self.moment), .proceed, nil, .manifestVerified)
        policy.senders = .anyone
        expect(policy.decide(try seal(), at: Self.moment), .proceed, nil, .manifestVerified)
    }

    @Test("A key that is asked for must have signed, and does not make up for a pin")
    func requiredKeys() throws {
        var policy = policy()
        policy.requiredKeys = [signer.publicKey]
        expect(policy.decide(try seal(), at: Self.moment), .proceed, nil, .manifestVerified)
        policy.requiredKeys = [other]
        expect(policy.decide(try seal(), at: Self.moment), .refused, "pin-mismatch", .manifestVerified)
    }

    @Test("The gravest objection comes first")
    func order() throws {
        let verdict = try seal(to: other, named: "2026-05-14.demo.claude.urgent.tza")
        let decision = policy().decide(verdict, at: Self.moment)
        expect(decision, .refused, "wrong-receiver", .containerVerified)
        #expect(decision.objections.map(\.code) == ["wrong-receiver", "unknown-signer", "surface-mismatch"])
    }

    @Test("A message is from whom it says only where the hub proved the key that is pinned for the name")
    func messages() throws {
        var policy = policy(try pin(signer.publicKey, "lab"))
        expect(policy.decide(name: "lab", provenBy: signer.publicKey), .proceed, nil, .referenced)
        expect(policy.decide(name: "lab", provenBy: nil), .triage, "unproven", .referenced)
        expect(policy.decide(name: "lab", provenBy: other), .refused, "pin-mismatch", .referenced)
        expect(policy.decide(name: "hpc", provenBy: other), .triage, "unknown-signer", .referenced)
        policy.senders = .anyone
        expect(policy.decide(name: "hpc", provenBy: other), .proceed, nil, .referenced)
        expect(policy.decide(name: "hpc", provenBy: nil), .proceed, nil, .referenced)
        // A name that has a pin is not taken without its key.
        expect(policy.decide(name: "lab", provenBy: nil), .triage, "unproven", .referenced)
        policy.senders = .listed(names: [], keys: [other])
        expect(policy.decide(name: "hpc", provenBy: other), .proceed, nil, .referenced)
        expect(policy.decide(name: "hpc", provenBy: nil), .triage, "unproven", .referenced)
    }

    @Test("Pins that cannot be read are not taken for none", arguments: ["{}", "", "[1"])
    func unreadable(text: String) throws {
        let store = TrustStore(state: scratch.path("state"))
        #expect(try PinnedSigners(in: store) == PinnedSigners())
        try store.add(pin(signer.publicKey))
        #expect(try PinnedSigners(in: store)[Self.alice]?.key == signer.publicKey.hex)
        try scratch.write("state/trust/pins.json", Array(text.utf8))
        #expect(throws: TrustError.self) { try PinnedSigners(in: store) }
        // Nor is what is not a file, or not in a folder.
        unlink(scratch.path("state/trust/pins.json").string)
        mkdir(scratch.path("state/trust/pins.json").string, 0o700)
        let folder = #expect(throws: TrustError.self) { try PinnedSigners(in: store) }
        #expect(folder?.category == .configuration)
        try scratch.write("state2", [1])
        let file = #expect(throws: TrustError.self) {
            try PinnedSigners(in: TrustStore(directory: scratch.path("state2")))
        }
        #expect(file?.category == .configuration)
    }

    @Test("The command that pins a key can be pasted as it is, or is not shown")
    func command() throws {
        func command(_ name: String) -> String? {
            SignerStanding(name: name, key: other, pin: .unknown).pinCommand
        }
        #expect(command(Self.alice) == "tcd trust add signer jis:acme:alice@a.aint \(other.hex)")
        #expect(command("O'Hara; rm -rf ~") == "tcd trust add signer 'O'\\''Hara; rm -rf ~' \(other.hex)")
        for name in ["", "--kind", "a\u{202e}b", "a\nb", "a\u{200b}", String(repeating: "a", count: 513)] {
            #expect(command(name) == nil)
        }
        #expect(SignerStanding(name: "a", key: other, pin: .differs(pinned: try pin(mine))).pinCommand == nil)
    }

    @Test("States are ordered and named as in CEP")
    func states() {
        let names = [
            "referenced", "present", "digest-matched", "container-verified", "manifest-verified",
            "continuation-approved",
        ]
        #expect(VerificationState.allCases.map(\.name) == names)
        #expect(VerificationState.allCases.sorted() == VerificationState.allCases)
        #expect(names.map(VerificationState.init(name:)) == VerificationState.allCases)
        #expect(VerificationState(name: "verified") == nil)
    }
}
