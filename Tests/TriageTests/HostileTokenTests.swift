import Fabric
import Testing
import Triage

/// Tokens that nobody honest would write.
@Suite("Hostile fork tokens")
struct HostileTokenTests {
    @Test(
        "What is no token is refused and nothing is made up",
        arguments: [
            "", "null", "[]", "{}", "{\"fork\": 1}", "{\"fork\": []}", "{\"fork_id\": 1}",
            "{\"fork\": {\"fork_type\": null}}",
            "{\"fork\": {\"metadata\": []}}", "{\"fork\": {\"capability_required\": \"gpu\"}}",
            "{\"fork_id\": \"\\ud800\"}", "{\"fork_id\": \"a\"} x",
            String(repeating: "[", count: 100_000),
        ])
    func refused(text: String) {
        #expect(throws: ForkFault.self) { try ForkToken(parsing: Array(text.utf8)) }
    }

    @Test("A token without an id stays without one, and its hash is that of a token without one")
    func noID() throws {
        let token = try ForkToken(parsing: Array(#"{"fork": {"intent_snapshot": "x"}}"#.utf8))
        #expect(token.id.isEmpty)
        #expect(token.typeName == "script")
        #expect(token.hash == (try ForkToken(parsing: Array(#"{"fork": {"intent_snapshot": "x"}}"#.utf8)).hash))
        #expect(token.fileText == "{\n  \"fork\": {\n    \"intent_snapshot\": \"x\"\n  }\n}")
        #expect(ForkExamination(token, agent: nil, machine: .bare).outcome(of: .hash) == .unknown)
    }

    @Test("A type that nobody knows survives")
    func unknownType() throws {
        let token = try ForkToken(parsing: Array(#"{"fork": {"fork_id": "a", "fork_type": "swarm"}}"#.utf8))
        #expect(token.type == nil)
        #expect(token.typeName == "swarm")
    }

    @Test(
        "No id leads out of the folder, or looks like an option",
        arguments: [
            "../../etc/passwd", "/etc/passwd", "..", ".", "", "-rf", "_x", "a/b", "a\u{0}b", "zoë", "a b", "a\nb",
            String(repeating: "a", count: 65), "fork-1.", "fork~", "C:\\x",
        ])
    func names(id: String) throws {
        let token = try ForkToken(fields: ["fork_id": .text(id)])
        let stem = ForkName.stem(of: token)
        #expect(stem.wholeMatch(of: /fork_[0-9a-f]{24}/) != nil)
        #expect(ArrivalName(stem + ".fork.json") != nil)
        let other = try ForkToken(fields: ["fork_id": .text(id), "intent_snapshot": "other"])
        #expect(ForkName.stem(of: other) != stem)
    }

    @Test(
        "Harmless ids are names as they are",
        arguments: ["fork-44783fbcfbe9", "a", "A_b-9", String(repeating: "a", count: 64)])
    func harmless(id: String) throws {
        #expect(ForkName.stem(of: try ForkToken(fields: ["fork_id": .text(id)])) == id)
    }

    @Test("A token whose hash was repaired on its way is found out by the message's hash")
    func repaired() throws {
        let plain = try #require(Vectors.cases("forks").first { $0["id"]?.text == "plain" }).object("fork")
        let honest = try ForkToken(fields: plain)
        var fields = plain
        fields["intent_snapshot"] = "rm -rf /"
        fields["fork_hash"] = .text(try ForkToken(fields: fields).hash)
        let forged = try ForkToken(fields: fields)
        #expect(ForkExamination(forged, agent: nil, machine: .bare).outcome(of: .hash) == .pass)
        let found = ForkExamination(forged, announced: honest.hash, agent: nil, machine: .bare)
        #expect(found.outcome(of: .hash) == .fail)
        #expect(found.objections.contains(honest.hash))
    }

    @Test("Of many version clauses a thousand are evaluated, and the rest is unknown", .timeLimit(.minutes(1)))
    func clauses() throws {
        let machine = Machine(host: "here", packages: ["pip": "24.0"], python: "python 3", gpuDevices: [])
        let many = "pip" + String(repeating: ">=1,", count: 200_000)
        let deps = JSONValue.list(
            [.text(many)] + Array(repeating: .text("pip>=1"), count: 5000) + [.text("absent")])
        let token = try ForkToken(fields: ["fork_id": "a", "capability_required": ["deps": deps]])
        // Evaluated, they would take minutes.
        let found = CapabilityCheck(token, on: machine)
        #expect(found.items.map(\.outcome) == [.unknown])
        #expect(found.items.first?.wanted == "5002 more")
        #expect(found.check.outcome == .unknown)
    }

    @Test("Exactly as many requirements as allowed are evaluated, one more is unknown")
    func manyRequirements() throws {
        let machine = Machine(host: "here", packages: ["pip": "24.0"], python: "python 3", gpuDevices: [])
        func examine(_ count: Int) throws -> CapabilityCheck {
            let deps = JSONValue.list(Array(repeating: .text("pip>=1"), count: count))
            return CapabilityCheck(
                try ForkToken(fields: ["fork_id": "a", "capability_required": ["deps": deps]]), on: machine)
        }
        let most = try examine(CapabilityCheck.mostClauses)
        #expect(most.items.count == CapabilityCheck.mostClauses && most.check.outcome == .pass)
        let more = try examine(CapabilityCheck.mostClauses + 1)
        #expect(more.items.count == CapabilityCheck.mostClauses + 1 && more.check.outcome == .unknown)
        #expect(more.check.detail.utf8.count < 4096)
    }

    @Test(
        "Requirements and clauses that are too long are unknown and are repeated in part only",
        arguments: [("pip==1", ".1", 20_000), ("a", "-", 200_000), ("pip>=9", "9", 400), ("a[", "x", 200_000)])
    func longRequirements(start: String, piece: String, count: Int) throws {
        let text = start + String(repeating: piece, count: count)
        let machine = Machine(host: "here", packages: ["pip": "24.0"], python: "python 3", gpuDevices: [])
        let token = try ForkToken(fields: ["fork_id": "a", "capability_required": ["deps": [.text(text)]]])
        let found = CapabilityCheck(token, on: machine)
        #expect(found.items.map(\.outcome) == [.unknown])
        #expect(found.items.allSatisfy { $0.wanted.utf8.count < 300 })
    }

    @Test(
        "Texts of a token are bounded",
        arguments: [("fork_id", 4096), ("actor_from", 4096), ("expires_at", 4096), ("intent_snapshot", 256 << 10)])
    func longTexts(field: String, limit: Int) throws {
        _ = try ForkToken(fields: [field: .text(String(repeating: "x", count: limit))])
        #expect(throws: ForkFault.tooLong(field: field, limit: limit)) {
            try ForkToken(fields: [field: .text(String(repeating: "x", count: limit + 1))])
        }
    }
}
