import Fabric
import Foundation
import Testing

@testable import Hub

/// What a receiver is told about who sent a frame or a message.
@Suite("Sender proof")
struct SenderProofTests {
    private struct Told: Equatable, CustomStringConvertible {
        let proven: Bool?
        let tier: String?
        let key: String?

        init(_ proven: Bool?, _ tier: String?, _ key: String?) {
            (self.proven, self.tier, self.key) = (proven, tier, key)
        }

        /// What an item says; `key` is `null` where that is written.
        init(_ json: JSONValue?) {
            self.init(
                json?["proven"]?.bool, json?["tier"]?.text,
                json?["sender_key"].map { $0.isNull ? "null" : $0.text ?? "" })
        }

        var description: String { "\(proven as Any) \(tier as Any) \(key as Any)" }
    }

    @Test("Messages, frames and leases say whether the sender was proven, its tier, and by which key")
    func items() async throws {
        let admin = TestAgent("admin", key: try SigningKey.generate())
        let hub = try await TestHub(isOpen: false) { $0.administrators = [admin.key.publicKey] }
        let (alice, bob) = (try TestAgent("alice"), try TestAgent("bob"))
        try await hub.register(alice)
        try await hub.register(bob)
        let proven = Told(true, "registered", alice.key.publicKey.hex)
        let unproven = Told(false, "sandbox", "null")
        func push(_ from: String, by agent: TestAgent?) async throws -> TestAnswer {
            try await hub.post(
                "/api/ipoll/push", ["from_agent": .text(from), "to_agent": "bob", "content": "x"], by: agent)
        }
        #expect(try await push("alice", by: alice).status == 200)
        #expect(try await push("stranger", by: nil).status == 200)
        let polls = try await hub.get("/api/ipoll/pull/bob", by: bob)["polls"]?.list ?? []
        #expect(polls.map { Told($0) } == [proven, unproven])
        let history = try await hub.get("/api/ipoll/history?agent=bob", by: bob)["polls"]?.list ?? []
        #expect(history.map { Told($0) } == [unproven, proven])
        let leased = try await hub.post("/api/ipoll/lease", ["agent": "bob", "limit": 2], by: bob)["polls"]?.list ?? []
        #expect(leased.map { Told($0) } == [proven, unproven])
        let channel = try await hub.open(by: alice)
        try await hub.send(1, on: channel, by: alice)
        let other = try await hub.open(from: "stranger")
        try await hub.send(2, on: other)
        let shown = try await hub.get("/api/mux/channel/\(channel)", by: bob)
        #expect(Told(shown["recent_frames"]?.list?.first) == proven)
        let page = try await hub.get("/api/mux/channel/\(other)?after_seq=-1", by: bob)
        #expect(Told(page["frames"]?.list?.first) == unproven)
        let frames = try await hub.post("/api/mux/lease", ["agent": "bob", "limit": 2], by: bob)["frames"]?.list ?? []
        #expect(frames.map { Told($0) } == [proven, unproven])
        await hub.stop()
    }

    @Test("Hints over events and WebSocket say it as well")
    func hints() async throws {
        let hub = try await TestHub(isOpen: false)
        let (alice, bob) = (try TestAgent("alice"), try TestAgent("bob"))
        try await hub.register(alice)
        try await hub.register(bob)
        let target = "/api/mux/ws?agent=bob&subscribe=true"
        let socket = try await RawSocketClient(
            port: hub.port, target: target, headers: bob.headers("GET", target, [], host: hub.host))
        #expect(socket.head.hasPrefix("HTTP/1.1 101"))
        let channel = try await hub.open(by: alice)
        try await hub.send(1, on: channel, by: alice)
        let hint = try JSONValue(parsing: await socket.text())
        #expect(hint["event"]?.text == "frame")
        #expect(Told(hint) == Told(true, "registered", alice.key.publicKey.hex))
        socket.connection.close()
        for (path, word) in [("/api/mux/events?agent=bob", "frame"), ("/api/ipoll/events/bob", "poll")] {
            let connection = try RawConnection(port: hub.port)
            let headers = bob.headers("GET", path, [], host: hub.host).map { "\($0): \($1)\r\n" }.joined()
            connection.send("GET \(path) HTTP/1.1\r\nHost: \(hub.host)\r\n\(headers)\r\n")
            _ = await connection.read(through: "event: waiting")
            try await hub.send(2, on: channel, by: alice)
            _ = try await hub.post(
                "/api/ipoll/push", ["from_agent": "alice", "to_agent": "bob", "content": "x"], by: alice)
            let event = await connection.read(through: "event: \(word)\n") + (await connection.read(through: "\n\n"))
            #expect(event.contains(#""proven":true,"tier":"registered","sender_key":""# + alice.key.publicKey.hex))
            connection.close()
        }
        await hub.stop()
    }

    @Test("At an open hub nothing is proven, whoever signs")
    func openHub() async throws {
        let hub = try await TestHub()
        let alice = try TestAgent("alice")
        try await hub.register(alice)
        _ = try await hub.post(
            "/api/ipoll/push", ["from_agent": "alice", "to_agent": "bob", "content": "x"], by: alice)
        let poll = try await hub.get("/api/ipoll/pull/bob")["polls"]?.list?.first
        #expect(Told(poll) == Told(false, "sandbox", "null"))
        await hub.stop()
    }

    @Test("Only an administrator's key sends as admin")
    func administrators() async throws {
        let admin = TestAgent("admin", key: try SigningKey.generate())
        let hub = try await TestHub(isOpen: false) { $0.administrators = [admin.key.publicKey] }
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        let impostor = TestAgent("admin", key: bob.key)
        let push: JSONValue = ["from_agent": "Admin.AINT", "to_agent": "bob", "content": "x"]
        let open: JSONValue = ["agent": "admin", "target": "bob", "intent": "x"]
        let file: JSONValue = [
            "from_agent": "admin", "to_agent": "bob", "filename": "x", "data_base64": "eA==",
        ]
        let blob: JSONValue = [
            "agent": "admin", "to": "bob", "size_bytes": 1, "digest": .text(Digest(of: Array("x".utf8)).description),
            "name": "x",
        ]
        for (target, body) in [
            ("/api/ipoll/push", push), ("/api/mux/open", open), ("/api/ipoll/file/push", file), ("/api/blobs", blob),
        ] {
            let unsigned = try await hub.post(target, body)
            #expect(unsigned.status == 401 && unsigned.code == "unauthorized", "\(target)")
            #expect(try await hub.post(target, body, by: impostor).status == 401, "\(target)")
            #expect(try await hub.post(target, body, by: bob).status == 403, "\(target)")
            #expect((200...201).contains(try await hub.post(target, body, by: admin).status), "\(target)")
        }
        #expect(
            try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=admin").head.hasPrefix("HTTP/1.1 401"))
        let polls = try await hub.get("/api/ipoll/pull/bob", by: bob)["polls"]?.list ?? []
        #expect(polls.map { Told($0) } == [Told(true, "core", admin.key.publicKey.hex)])
        await hub.stop()
    }
}
