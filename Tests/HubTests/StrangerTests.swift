import Fabric
import Foundation
import Testing

@testable import Hub

/// What senders without a registered key can do at a hub that checks who asks, and what becomes of it.
@Suite("Unregistered names")
struct StrangerTests {
    @Test(
        "Nothing is accepted for a name that is not registered, unless the hub was told to", arguments: [false, true])
    func receivers(accepts: Bool) async throws {
        let hub = try await TestHub(isOpen: false) { $0.acceptsUnregistered = accepts }
        let alice = try TestAgent("alice")
        try await hub.register(alice)
        let digest = JSONValue.text(Digest(of: Array("x".utf8)).description)
        let requests: [(String, JSONValue)] = [
            ("/api/ipoll/push", ["from_agent": "alice", "to_agent": "hots", "content": "x"]),
            ("/api/mux/open", ["agent": "alice", "target": "hots", "intent": "x"]),
            (
                "/api/ipoll/file/push",
                ["from_agent": "alice", "to_agent": "hots", "filename": "x", "data_base64": "eA=="]
            ),
            ("/api/blobs", ["agent": "alice", "to": "hots", "size_bytes": 1, "digest": digest, "name": "x"]),
        ]
        for (target, body) in requests {
            let answer = try await hub.post(target, body, by: alice)
            if accepts {
                #expect((200...201).contains(answer.status), "\(target)")
            } else {
                #expect(answer.status == 404 && answer.code == "unknown_agent", "\(target)")
                #expect(answer.detail?.contains("'hots' is not registered at this hub") == true, "\(target)")
            }
        }
        let target = "/api/mux/ws?agent=alice"
        let socket = try await RawSocketClient(
            port: hub.port, target: target, headers: alice.headers("GET", target, [], host: hub.host))
        socket.send(#"{"action":"open","target":"hots","intent":"x"}"#)
        #expect(await socket.text().contains(accepts ? "channel_opened" : #""error":"unknown_agent""#))
        socket.connection.close()
        await hub.stop()
    }

    @Test("A sender without a key lists no channels, finds no blob by its digest, and reads none")
    func reading() async throws {
        let hub = try await TestHub(isOpen: false)
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        _ = try await hub.open(from: "stranger")
        let listed = try await hub.get("/api/mux/channels?agent=stranger")
        #expect(listed.status == 401 && listed.code == "unauthorized")
        let bytes = Array("confidential".utf8)
        let create: JSONValue = [
            "agent": "stranger", "to": "bob", "size_bytes": .integer(bytes.count),
            "digest": .text(Digest(of: bytes).description), "name": "n.tza",
        ]
        let id = try #require(try await hub.post("/api/blobs", create)["blob_id"]?.text)
        let piece = try await hub.ask(
            "PATCH", "/api/blobs/\(id)?agent=stranger", bytes: bytes, headers: ["Upload-Offset": "0"])
        #expect(piece["complete"]?.bool == true)
        #expect(try await hub.get("/api/blobs/\(id)?agent=stranger").status == 401)
        #expect(try await hub.get("/api/blobs/\(id)/content?agent=stranger").status == 401)
        #expect(try await hub.get("/api/blobs/\(id)/content?agent=bob", by: bob).body == Data(bytes))
        await hub.stop()
    }

    @Test("The idempotency key of one sender without a key answers no other")
    func idempotency() async throws {
        let hub = try await TestHub(isOpen: false)
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        for content in ["first", "second"] {
            let answer = try await hub.post(
                "/api/ipoll/push", ["from_agent": "dave", "to_agent": "bob", "content": .text(content)],
                headers: ["Idempotency-Key": "k"])
            #expect(answer.status == 200 && answer.headers["idempotency-replayed"] == nil)
        }
        let polls = try await hub.get("/api/ipoll/pull/bob", by: bob)["polls"]?.list ?? []
        #expect(polls.compactMap { $0["content"]?.text } == ["first", "second"])
        let open: JSONValue = ["agent": "dave", "target": "bob", "intent": "x"]
        let channels = [
            try await hub.post("/api/mux/open", open, headers: ["Idempotency-Key": "c"])["channel_id"]?.text,
            try await hub.post("/api/mux/open", open, headers: ["Idempotency-Key": "c"])["channel_id"]?.text,
        ]
        #expect(channels[0] != channels[1] && channels[0] != nil)
        await hub.stop()
    }

    @Test("Who registers a name gets nothing that came to it or was sent in it before")
    func registration() async throws {
        let hub = try await TestHub(isOpen: false) { $0.acceptsUnregistered = true }
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        func push(_ from: String, _ to: String, _ text: String, by agent: TestAgent? = nil) async throws {
            let answer = try await hub.post(
                "/api/ipoll/push", ["from_agent": .text(from), "to_agent": .text(to), "content": .text(text)], by: agent
            )
            #expect(answer.status == 200)
        }
        try await push("bob", "carl", "to the old carl", by: bob)
        try await push("carl", "bob", "from the old carl")
        let towards = try await hub.open(from: "bob", to: "carl", by: bob)
        try await hub.send(1, on: towards, by: bob)
        let from = try await hub.open(from: "carl", to: "bob")
        try await hub.send(2, on: from)
        let bytes = Array("for carl".utf8)
        let blob = try await hub.post(
            "/api/blobs",
            [
                "agent": "bob", "to": "carl", "size_bytes": .integer(bytes.count), "name": "x",
                "digest": .text(Digest(of: bytes).description),
            ], by: bob)
        let id = try #require(blob["blob_id"]?.text)

        let carl = try TestAgent("carl")
        try await hub.register(carl)
        #expect(try await hub.get("/api/ipoll/pull/carl", by: carl)["count"]?.integer == 0)
        #expect(try await hub.get("/api/ipoll/history/carl", by: carl)["count"]?.integer == 0)
        #expect(try await hub.post("/api/ipoll/lease", ["agent": "carl"], by: carl)["count"]?.integer == 0)
        let lease = try await hub.post("/api/mux/lease", ["agent": "carl", "intent": .null], by: carl)
        #expect(lease["count"]?.integer == 0)
        #expect(
            try await hub.get("/api/mux/by-target?target=carl&include_closed=true", by: carl)["count"]?.integer == 0)
        #expect(try await hub.get("/api/mux/channels?agent=carl", by: carl)["count"]?.integer == 0)
        for channel in [towards, from] {
            #expect(try await hub.get("/api/mux/channel/\(channel)", by: carl).status == 404)
            #expect(try await hub.send(3, on: channel, by: carl).status == 404)
            let close: JSONValue = ["channel_id": .text(channel)]
            #expect(try await hub.post("/api/mux/close", close, by: carl).status == 404)
        }
        #expect(try await hub.get("/api/blobs/\(id)?agent=carl", by: carl).status == 404)
        // What bob received and sent stays his.
        let history = try await hub.get("/api/ipoll/history/bob", by: bob)["polls"]?.list ?? []
        #expect(history.contains { $0["content"]?.text == "from the old carl" })
        #expect(
            try await hub.post("/api/mux/lease", ["agent": "bob", "intent": .null], by: bob)["count"]?.integer == 1)
        // What comes from now on is the new owner's.
        try await push("bob", "carl", "to the new carl", by: bob)
        let polls = try await hub.get("/api/ipoll/pull/carl", by: carl)["polls"]?.list ?? []
        #expect(polls.compactMap { $0["content"]?.text } == ["to the new carl"])
        let channel = try await hub.open(from: "carl", by: carl)
        #expect(try await hub.send(4, on: channel, by: carl).status == 200)
        await hub.stop()
    }

    @Test("An open hub accepts what it always accepted, and an owner finds what waited")
    func openHub() async throws {
        let hub = try await TestHub()
        try await hub.push("early", to: "carl")
        #expect(try await hub.post("/api/ipoll/register", ["agent_id": "carl"]).status == 200)
        #expect(try await hub.get("/api/ipoll/pull/carl")["count"]?.integer == 1)
        #expect(try await hub.post("/api/ipoll/register", ["agent_id": "admin"]).status == 422)
        await hub.stop()
    }
}
