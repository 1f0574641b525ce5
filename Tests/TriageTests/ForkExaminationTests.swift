import Fabric
import Testing
import Triage

/// What is said of a token that comes in.
@Suite("What is found of a fork")
struct ForkExaminationTests {
    static let now = Timestamp(seconds: 1_778_740_908)

    static func token(_ fields: JSONObject) throws -> ForkToken {
        var all: JSONObject = ["fork_id": "fork-1"]
        for (key, value) in fields.members { all[key] = value }
        return try ForkToken(fields: all).hashed()
    }

    func examine(_ fields: JSONObject, agent: String? = nil, on machine: Machine = .bare) throws -> ForkExamination {
        ForkExamination(try Self.token(fields), agent: agent, machine: machine, at: Self.now)
    }

    @Test(
        "When its time is over",
        arguments: [
            ("", ForkCheck.Outcome.pass), ("2026-05-14T06:41:47Z", .fail), ("2026-05-14T06:41:49Z", .pass),
            ("2026-05-14T06:41:48.5Z", .pass), ("2026-05-14T08:41:47+02:00", .fail),
            ("2026-05-14T08:41:49+02:00", .pass),
            ("2026-05-14 06:41:49", .pass), ("2026-05-14", .fail), ("2026-05-15", .pass), ("tomorrow", .unknown),
            ("2026-02-31T00:00:00Z", .unknown), ("2026-05-14T06:41:49+99:00", .unknown),
            ("9999-12-31T23:59:59Z", .pass),
        ])
    func expiry(text: String, outcome: ForkCheck.Outcome) throws {
        #expect(try examine(["expires_at": .text(text)]).outcome(of: .expired) == outcome)
    }

    @Test("A sender whose clock is ahead is said to be")
    func clocks() throws {
        let found = try examine(["forked_at": "2026-05-14T07:41:48Z", "expires_at": "2026-05-14T08:00:00Z"])
        #expect(found.clockLead == 3600)
        #expect(found.checks.first { $0.subject == .expired }?.detail.contains("3600 s ahead") == true)
        #expect(try examine(["forked_at": "2026-05-14T06:41:48Z"]).clockLead == nil)
    }

    @Test("For whom it is")
    func actors() throws {
        #expect(try examine([:], agent: "bob").outcome(of: .actor) == .pass)
        #expect(try examine(["actor_to": "bob"], agent: nil).outcome(of: .actor) == .unknown)
        #expect(try examine(["actor_to": "Bob.aint"], agent: "bob").outcome(of: .actor) == .pass)
        #expect(try examine(["actor_to": "bob"], agent: "eve").outcome(of: .actor) == .fail)
    }

    @Test("What it asks for, and what is there")
    func capabilities() throws {
        let machine = Machine(
            host: "here", packages: ["torch": "2.1.0", "tibet-triage": "0.4.2"], python: "python 3",
            gpuDevices: ["/dev/nvidia0"])
        let all: JSONObject = [
            "deps": [
                "torch>=2.0", "Tibet_Triage==0.4.*", "torch<2", "numpy", "torch[cuda]>=2", "torch; os_name=='nt'",
                ">=1", 7,
            ],
            "gpu": true, "min_context": 8192,
        ]
        let found = try examine(["capability_required": .object(all)], on: machine)
        #expect(
            found.capabilities.items.map(\.outcome)
                == [.pass, .pass, .fail, .fail, .unknown, .unknown, .unknown, .unknown, .pass, .unknown])
        #expect(found.capabilities.missing == ["numpy"])
        #expect(found.capabilities.otherVersion == ["torch<2"])
        #expect(found.capabilities.hasGPU == true)
        #expect(found.outcome(of: .capabilities) == .fail)
        #expect(try examine([:], on: machine).outcome(of: .capabilities) == .pass)
        #expect(try examine(["capability_required": ["gpu": true]]).outcome(of: .capabilities) == .fail)
        #expect(try examine(["capability_required": ["gpu": false]]).outcome(of: .capabilities) == .pass)
        let without = Machine(host: "here", packages: nil, python: "there is none", gpuDevices: [])
        #expect(
            try examine(["capability_required": ["deps": ["a"]]], on: without).outcome(of: .capabilities) == .unknown)
    }

    @Test("What is found is written down, and read again")
    func evidence() throws {
        let found = try examine(["actor_to": "bob", "expires_at": "2026-05-14T06:41:47Z"], agent: "eve")
        var evidence = ForkEvidence(
            found, announced: "fork:00",
            origin: .message(id: "7", sender: "alice", key: nil, hub: "http://h", createdAt: ""),
            trust: .init(outcome: "triage", reason: "unproven", detail: "why", pin: nil), agent: "eve", machine: .bare,
            isStrict: false, decision: .triage)
        #expect(evidence.fields["checks"]?["actor"]?["outcome"]?.text == "fail")
        #expect(evidence.fields["actor_match"]?.bool == false)
        #expect(evidence.fields["fork_expired"]?.bool == true)
        #expect(evidence.run == nil && evidence.runOutcome == nil && evidence.isKeptBack)
        evidence.noteStart(of: ["true"], at: Self.now)
        let started = try #require(ForkEvidence(parsing: Array(evidence.fileText.utf8)))
        #expect(started.run == nil && started.runOutcome == .started)
        var unknown = started
        let run = unknown.noteUnknownOutcome(at: Self.now)
        #expect(run.command == ["true"] && run.exitCode == nil && !run.succeeded)
        #expect(unknown.runOutcome == .unknown && unknown.run?.succeeded == false)
        evidence.note(
            .init(
                command: ["true"], startedAt: Self.now, endedAt: Self.now, exitCode: 0, succeeded: true,
                resumeHash: "upip:1", outputDigest: nil, errorsDigest: nil, problem: nil))
        evidence.noteAnswer(.resumed, to: "alice", as: "8")
        let read = try #require(ForkEvidence(parsing: Array(evidence.fileText.utf8)))
        #expect(read.run?.succeeded == true)
        #expect(read.run?.resumeHash == "upip:1")
        #expect(read.isAnswered)
        #expect(read.runOutcome == .ended)
        guard case .message("7", "alice", nil, "http://h", "") = read.origin else {
            Issue.record("\(String(describing: read.origin))")
            return
        }
        #expect(read.forkHash == found.token.hash)
        #expect(read.decision == .triage)
        #expect(ForkEvidence(parsing: Array("{}".utf8)) == nil)
    }

    @Test("Times are written as Python writes them")
    func times() {
        #expect(ForkTime.text(Timestamp(seconds: 1_778_740_908)) == "2026-05-14T06:41:48Z")
        #expect(
            ForkTime.text(Timestamp(seconds: 1_778_740_908, nanoseconds: 7_135_999)) == "2026-05-14T06:41:48.007135Z")
        #expect(ForkTime.parse("2026-05-14T06:41:48.007135Z")?.nanoseconds == 7_135_000)
    }
}
