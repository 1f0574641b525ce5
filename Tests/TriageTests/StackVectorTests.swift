import Fabric
import Foundation
import Testing

@testable import Triage

/// Stacks as the reference package makes them, and the tokens that it makes of them.
@Suite("UPIP stacks of the peers")
struct StackVectorTests {
    static let vector = Vectors.forks["upip"]?.object ?? [:]

    static func stack() throws -> UPIPStack { try UPIPStack(parsing: Array(vector.text("upip_json_file_text").utf8)) }

    @Test("The hash of the stack is the peers', and its parts hold")
    func hash() throws {
        let stack = try Self.stack()
        #expect(stack.hash == (try Self.vector.text("stack_hash")))
        #expect(stack.statedHash == stack.hash)
        try stack.check()
        let empty = try UPIPStack(
            parsing: Array(
                #"{"layers": {"L1_state": null, "L2_deps": null, "L3_process": null, "L4_result": null}}"#.utf8))
        #expect(empty.hash == (try Self.vector.text("empty_stack_hash")))
    }

    @Test("A stack that is read is written again byte for byte, and a fork adds nothing but itself")
    func file() throws {
        let text = try Self.vector.text("upip_json_file_text")
        var stack = try Self.stack()
        #expect(stack.fileText == text)
        let token = try ForkDraft().token(host: "here")
        stack.append(token)
        #expect(stack.forks.count == 1)
        #expect(stack.fields["_replay"]?.canonical == (try Self.stack().fields["_replay"]?.canonical))
        stack = try UPIPStack(parsing: Array(stack.fileText.utf8))
        #expect(stack.hash == (try Self.vector.text("stack_hash")))
        try stack.check()
    }

    @Test("States of every kind hash as the peers'")
    func states() throws {
        let others = Self.vector["l1_other"]?.list?.compactMap(\.object) ?? []
        #expect(others.count >= 4)
        for vector in others {
            #expect(UPIPStack.stateHash(of: try vector.object("input")) == (try vector.text("state_hash")))
        }
        let deps = try Self.vector.object("l2")
        #expect(UPIPStack.packagesHash(of: deps) == (try deps.text("deps_hash")))
    }

    @Test("A changed stack is found out", arguments: ["L1_state", "L2_deps", "L3_process", "L4_result"])
    func changed(layer: String) throws {
        let text = try Self.vector.text("upip_json_file_text")
        let (old, new) = [
            "L1_state": (#""a.py": "cc"#, #""a.py": "cd"#), "L2_deps": (#""version": "0.4.2""#, #""version": "0.4.3""#),
            "L3_process": (#""timeout": 300"#, #""timeout": 301"#), "L4_result": ("sha256:3f00", "sha256:3f01"),
        ][layer]!
        let changed = text.replacingOccurrences(of: old, with: new)
        #expect(changed != text)
        let stack = try UPIPStack(parsing: Array(changed.utf8))
        #expect(throws: ForkFault.self) { try stack.check() }
    }

    @Test("A token made of a stack is the one that the peers make")
    func forking() throws {
        let expected = try Self.vector.object("fork_from_stack")
        var draft = ForkDraft()
        draft.stack = try Self.stack()
        draft.actorFrom = "lab"
        draft.actorTo = "hpc"
        let token = try draft.token(host: "here")
        #expect(token.memoryHash == (try expected.text("active_memory_hash")))
        #expect(token.parentHash == (try expected.text("parent_hash")))
        #expect(token.parentStackHash == (try expected.text("parent_stack_hash")))
        #expect(token.handoff == (try expected.text("actor_handoff")))
        #expect(token.intent == (try expected.text("intent_snapshot")))
        #expect(token.layers.keys == expected["partial_layers_keys"]?.list?.compactMap(\.text))
        #expect(token.continuationPoint == "L4:post_result")
        let known = try #require(Vectors.cases("forks").first).object("fork").keys
        #expect(token.fields.keys == known)
        #expect(token.id.wholeMatch(of: /fork-[0-9a-f]{12}/) != nil)
        #expect(token.statedHash == token.hash)
        #expect(token.statedFullHash == token.fullHash)
    }

    @Test("A token with a file of memory has that file's hash")
    func memory() throws {
        let expected = try Self.vector.object("fork_with_blob")
        let blob = try #require(Data(base64Encoded: expected.text("blob_base64")))
        var draft = ForkDraft()
        draft.stack = try Self.stack()
        draft.memory = (Digest(of: blob), "mind.blob")
        draft.actorFrom = "lab"
        let token = try draft.token(host: "here")
        #expect(token.memoryHash == (try expected.text("active_memory_hash")))
        #expect(token.handoff == (try expected.text("actor_handoff")))
        #expect(token.memoryReference == "mind.blob")
    }

    @Test("Without a stack there is an intention, and whoever has it", arguments: ForkType.allCases)
    func intention(type: ForkType) throws {
        var draft = ForkDraft()
        draft.intent = "Größe messen"
        draft.type = type
        draft.packages = ["torch>=2.0"]
        draft.needsGPU = true
        draft.expiry = Timestamp(seconds: 1_800_000_000)
        let token = try draft.token(host: "here")
        #expect(token.type == type)
        #expect(token.memoryHash == "sha256:" + Digest(of: "Größe messen".utf8).hex)
        #expect(token.parentStackHash.isEmpty)
        #expect(token.actorFrom == "here:unknown")
        #expect(token.handoff == "here:unknown -> *")
        #expect(JSONValue.object(token.requirements).text(.python) == #"{"deps": ["torch>=2.0"], "gpu": true}"#)
        #expect(token.expiresAt == "2027-01-15T08:00:00Z")
    }

    @Test(
        "What is no stack is refused",
        arguments: [
            "", "[]", "{}", #"{"layers": []}"#, #"{"layers": {"L1_state": 1}}"#, #"{"layers": {}, "fork_chain": {}}"#,
        ])
    func noStack(text: String) {
        #expect(throws: ForkFault.self) { try UPIPStack(parsing: Array(text.utf8)) }
    }
}
