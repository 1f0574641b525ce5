import Fabric
import Foundation
import ProgramRunner
import Testing

@testable import Hub

/// What waits for a receiver is the receiver's to list and to delete.
@Suite("Waiting")
struct WaitingTests {
    @Test("A receiver lists frames, messages and unfinished blobs, and deletes them; nobody else does")
    func listedAndDeleted() async throws {
        let hub = try await TestHub(isOpen: false)
        let (alice, bob) = (try TestAgent("alice"), try TestAgent("bob"))
        try await hub.register(alice)
        try await hub.register(bob)
        let message = try await hub.push("from a stranger", from: "stranger")
        let channel = try await hub.open(by: alice)
        try await hub.send(["x": 1], on: channel, by: alice)
        let begun = try await hub.post(
            "/api/blobs",
            [
                "agent": "stranger", "to": "bob", "size_bytes": 1000, "name": "n.tza",
                "digest": .text(Digest(of: [1]).description),
            ])
        let blob = try #require(begun["blob_id"]?.text)
        let list = "/api/hub/waiting?agent=bob"
        #expect(try await hub.get(list).status == 401)
        #expect(try await hub.get(list, by: alice).status == 403)
        let waiting = try await hub.get(list, by: bob)
        let items = waiting["items"]?.list ?? []
        #expect(items.map { $0["type"]?.text } == ["frame", "message", "blob"])
        #expect(items.map { $0["id"]?.text } == [channel + "/0", message, blob])
        #expect(items.map { $0["from"]?.text } == ["alice", "stranger", "stranger"])
        #expect(items.map { $0["proven"]?.bool } == [true, false, false])
        #expect(items[0]["sender_key"]?.text == alice.key.publicKey.hex)
        #expect(items[2]["received"]?.integer == 0 && items[2]["complete"]?.bool == false)

        let ids: JSONValue = [.text(message), .text(channel + "/0"), .text(blob), "poll-none"]
        let body: JSONValue = ["agent": "bob", "ids": ids]
        #expect(try await hub.post("/api/hub/discard", body).status == 401)
        #expect(try await hub.post("/api/hub/discard", body, by: alice).status == 403)
        let others = try await hub.post("/api/hub/discard", ["agent": "alice", "ids": ids], by: alice)
        #expect(others["discarded"]?.list?.isEmpty == true)
        let done = try await hub.post("/api/hub/discard", body, by: bob)
        #expect(done["discarded"]?.list?.count == 3 && done["unknown"]?.list?.compactMap(\.text) == ["poll-none"])
        #expect(try await hub.get(list, by: bob)["count"]?.integer == 0)
        #expect(try await hub.get("/api/ipoll/pull/bob", by: bob)["count"]?.integer == 0)
        #expect(
            try await hub.post("/api/mux/lease", ["agent": "bob", "intent": .null], by: bob)["count"]?.integer == 0)
        let piece = try await hub.ask(
            "PATCH", "/api/blobs/\(blob)?agent=stranger", bytes: [1], headers: ["Upload-Offset": "0"])
        #expect(piece.status == 404)
        let status = try await hub.get("/api/hub/status")
        #expect(status["messages"]?["pending"]?.integer == 0 && status["frames"]?["waiting"]?.integer == 0)
        await hub.stop()
    }

    @Test("A consumer that holds what is deleted has lost its lease")
    func leased() async throws {
        let hub = try await TestHub()
        let id = try await hub.push("x")
        let lease = try await hub.post("/api/ipoll/lease", ["agent": "bob"])["polls"]?.list?.first
        #expect(try await hub.get("/api/hub/waiting?agent=bob")["items"]?.list?.first?["leased"]?.bool == true)
        let body: JSONValue = ["agent": "bob", "ids": [.text(id)]]
        #expect(try await hub.post("/api/hub/discard", body)["discarded"]?.list?.count == 1)
        let settled = try await hub.post(
            "/api/ipoll/settle",
            ["agent": "bob", "lease_id": lease?["lease_id"] ?? .null, "settlement": "commit"])
        #expect(settled.status == 404 && settled.code == "unknown_lease")
        await hub.stop()
    }

    @Test("Two uploads alike of senders without a key are two blobs")
    func alike() async throws {
        let hub = try await TestHub(isOpen: false)
        try await hub.register(try TestAgent("bob"))
        let create: JSONValue = [
            "agent": "stranger", "to": "bob", "size_bytes": 1, "name": "n",
            "digest": .text(Digest(of: [1]).description),
        ]
        let first = try await hub.post("/api/blobs", create)
        let second = try await hub.post("/api/blobs", create)
        #expect(first.status == 201 && second.status == 201)
        #expect(first["blob_id"]?.text != second["blob_id"]?.text)
        await hub.stop()
    }

    @Test("tcd hub waiting and discard do it from the command line")
    func commands() async throws {
        let hub = try await TestHub(isOpen: false)
        let folder = try WorkFolder()
        func tcd(_ arguments: String...) async throws -> Program.Outcome {
            try await BuiltProgram.start(
                arguments + ["--identity", folder.path("bob"), "--url", hub.url], in: folder.url
            ).outcome()
        }
        let made = try await BuiltProgram.run(
            "identity", "init", "--identity", folder.path("bob"), "--aint", "bob.aint", in: folder.url)
        try #require(made.status == 0, "\(made)")
        #expect(try await tcd("hub", "register").status == 0)
        let id = try await hub.push("x", from: "stranger")
        let listed = try await tcd("hub", "waiting")
        #expect(listed.status == 0 && listed.output.hasPrefix("\(id)  message  stranger  unproven"), "\(listed)")
        let unknown = try await tcd("hub", "discard", "poll-none")
        #expect(unknown.status == 66 && unknown.errors.contains("'poll-none' does not wait for 'bob'"), "\(unknown)")
        let gone = try await tcd("hub", "discard", id)
        #expect(gone.status == 0 && gone.output == "1 deleted\n", "\(gone)")
        try await hub.push("y", from: "stranger")
        let all = try await tcd("hub", "discard", "--all", "--json")
        #expect(all.output.contains(#""count":1"#), "\(all)")
        let none = try await tcd("hub", "waiting")
        #expect(none.status == 0 && none.output.isEmpty, "\(none)")
        #expect(try await tcd("hub", "discard").status == 64)
        await hub.stop()
    }
}
