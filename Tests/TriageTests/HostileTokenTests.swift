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
}
