import Fabric
import Foundation
import Hub
import Testing

@testable import Hub

/// Who may do what at a hub that checks it, which is what a hub does if nothing else is said.
@Suite("Access")
struct AccessTests {
    private func hub(_ change: (inout HubConfiguration) -> Void = { _ in }) async throws -> TestHub {
        try await TestHub(isOpen: false, change)
    }

    @Test("A name belongs to the key that proves itself first; another key gets it never")
    func registration() async throws {
        let hub = try await hub()
        let bob = try TestAgent("bob")
        let thief = TestAgent("bob", key: try SigningKey.generate())
        func record(_ key: PublicKey) -> JSONValue { ["agent": "Bob.AINT", "public_key": .text(key.hex)] }
        #expect(try await hub.post("/api/ains/register", record(bob.key.publicKey)).status == 401)
        #expect(try await hub.post("/api/ains/register", record(bob.key.publicKey), by: thief).status == 401)
        let made = try await hub.post("/api/ains/register", record(bob.key.publicKey), by: bob)
        #expect(made.status == 201 && made["registered"]?.bool == true)
        let again = try await hub.post(
            "/api/ains/register",
            ["agent": "bob", "public_key": .text(bob.key.publicKey.hex), "routes": ["http://127.0.0.1:1"]], by: bob)
        #expect(again.status == 200)
        let taken = try await hub.post("/api/ains/register", record(thief.key.publicKey), by: thief)
        #expect(taken.status == 409 && taken.code == "name_taken")
        let found = try await hub.get("/api/ains/resolve/BOB.aint")
        #expect(found["record"]?["public_key"]?.text == bob.key.publicKey.hex)
        #expect(found["record"]?["routes"]?.text(.compact) == #"["http://127.0.0.1:1"]"#)
        #expect(try await hub.get("/api/ains/resolve/nobody")["status"]?.text == "not_found")
        let peers = try await hub.post("/api/ipoll/register", ["agent_id": "carol"])
        #expect(peers.status == 403 && peers.code == "key_needed")
        await hub.stop()
    }

    @Test("A mailbox is read by its owner's key and nobody else's")
    func reading() async throws {
        let hub = try await hub()
        let (bob, carol) = (try TestAgent("bob"), try TestAgent("carol"))
        try await hub.register(bob)
        try await hub.register(carol)
        try await hub.push("hi")
        let channel = try await hub.open()
        for target in [
            "/api/ipoll/pull/bob", "/api/ipoll/history?agent=bob", "/api/ipoll/history/bob", "/api/ipoll/events/bob",
            "/api/mux/by-target?target=bob", "/api/mux/channel/\(channel)", "/api/mux/events?agent=bob",
        ] {
            let unsigned = try await hub.get(target)
            #expect(unsigned.status == 401 && unsigned.code == "unauthorized", "\(target)")
            let other = try await hub.get(target, by: carol)
            #expect(other.status == 403 && other.code == "forbidden", "\(target)")
        }
        for target in ["/api/ipoll/lease", "/api/mux/lease"] {
            #expect(try await hub.post(target, ["agent": "bob"]).status == 401, "\(target)")
            #expect(try await hub.post(target, ["agent": "bob"], by: carol).status == 403, "\(target)")
            #expect(try await hub.post(target, ["agent": "bob"], by: bob).status == 200, "\(target)")
        }
        for target in ["/api/ipoll/settle", "/api/mux/settle"] {
            let body: JSONValue = ["agent": "bob", "lease_id": "x", "settlement": "commit"]
            #expect(try await hub.post(target, body).status == 401, "\(target)")
            #expect(try await hub.post(target, body, by: carol).status == 403, "\(target)")
            #expect(try await hub.post(target, body, by: bob).status == 404, "\(target)")
        }
        #expect(try await hub.get("/api/mux/by-target?target=bob", by: bob)["count"]?.integer == 1)
        // Who never registered has no key to read with.
        #expect(try await hub.get("/api/ipoll/pull/dave").status == 401)
        await hub.stop()
    }

    @Test("A registered name is sent under by its key alone; one that nobody registered by anybody")
    func sending() async throws {
        let hub = try await hub()
        let (alice, mallory) = (try TestAgent("alice"), try TestAgent("mallory"))
        let bob = try TestAgent("bob")
        for agent in [alice, bob, mallory] { try await hub.register(agent) }
        let poll: JSONValue = ["from_agent": "alice", "to_agent": "bob", "content": "x"]
        let open: JSONValue = ["agent": "alice", "target": "bob", "intent": "x"]
        for (target, body) in [("/api/ipoll/push", poll), ("/api/mux/open", open)] {
            #expect(try await hub.post(target, body).status == 401, "\(target)")
            #expect(try await hub.post(target, body, by: mallory).status == 403, "\(target)")
            #expect(try await hub.post(target, body, by: alice).status == 200, "\(target)")
        }
        let channel = try await hub.open(by: alice)
        #expect(try await hub.send(1, on: channel).status == 401)
        #expect(try await hub.send(1, on: channel, by: mallory).status == 403)
        #expect(try await hub.send(1, on: channel, by: alice).status == 200)
        let close: JSONValue = ["channel_id": .text(channel), "reason": "consumer_received"]
        #expect(try await hub.post("/api/mux/close", close).status == 401)
        #expect(try await hub.post("/api/mux/close", close, by: mallory).status == 403)
        #expect(try await hub.post("/api/mux/close", close, by: alice).status == 200)
        // The sender's closing takes nothing from the receiver.
        #expect(
            try await hub.post("/api/mux/lease", ["agent": "bob", "intent": .null], by: bob)["count"]?.integer == 1)
        try await hub.push("x", from: "stranger")
        // A signature in the name of nobody is like none.
        let ghost = try TestAgent("ghost")
        #expect(
            try await hub.post(
                "/api/ipoll/push", ["from_agent": "ghost", "to_agent": "bob", "content": "x"], by: ghost
            ).status == 200)
        await hub.stop()
    }

    @Test("A request is good once, for this host, this path, this body and this time")
    func replays() async throws {
        let hub = try await hub { $0.names = ["127.0.0.1"] }
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        let target = "/api/ipoll/pull/bob"
        let headers = bob.headers("GET", target, [], host: hub.host)
        #expect(try await hub.ask("GET", target, headers: headers).status == 200)
        let replay = try await hub.ask("GET", target, headers: headers)
        #expect(replay.status == 401 && replay.detail == "this request came before")
        let elsewhere = bob.headers("GET", target, [], host: "other.example")
        #expect(try await hub.ask("GET", target, headers: elsewhere).status == 401)
        let misdirected = bob.headers("GET", target, [], host: "other.example")
            .merging(["Host": "other.example"]) { $1 }
        let other = try await hub.ask("GET", target, headers: misdirected)
        #expect(other.status == 403 && other.code == "foreign_host")
        let path = bob.headers("GET", "/api/ipoll/pull/carol", [], host: hub.host)
        #expect(try await hub.ask("GET", target, headers: path).status == 401)
        for apart in [-301, 600] as [Int64] {
            let then = Timestamp(seconds: Timestamp.now().seconds + apart)
            let old = bob.headers("GET", target, [], host: hub.host, at: then)
            #expect(try await hub.ask("GET", target, headers: old).status == 401)
        }
        var body = bob.headers("POST", "/api/ipoll/lease", Array("{}".utf8), host: hub.host)
        #expect(
            try await hub.ask("POST", "/api/ipoll/lease", ["agent": "bob"], headers: body).status == 401)
        body = bob.headers("GET", target, [], host: hub.host)
        body["X-AInternet-Nonce"] = "short"
        #expect(try await hub.ask("GET", target, headers: body).status == 401)
        await hub.stop()
    }

    @Test("A replay is known after a restart as well")
    func replayAfterRestart() async throws {
        let hub = try await hub { $0.names = ["hub.example"] }
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        let headers = bob.headers("GET", "/api/ipoll/pull/bob", [], host: "hub.example")
            .merging(["Host": "hub.example"]) { $1 }
        #expect(try await hub.ask("GET", "/api/ipoll/pull/bob", headers: headers).status == 200)
        await hub.stop()
        let next = try await TestHub(isOpen: false, in: hub.folder) { $0.names = ["hub.example"] }
        #expect(try await next.ask("GET", "/api/ipoll/pull/bob", headers: headers).status == 401)
        await next.stop()
    }

    @Test("TIBET-SIG-V1 is taken for the agent whose key it is, once")
    func bodySignature() async throws {
        let hub = try await hub()
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        let body = Array(#"{"agent":"bob"}"#.utf8)
        let value = Authorization(signing: Digest(of: body), with: bob.key).headerValue
        func ask() async throws -> Int {
            try await hub.ask(
                "POST", "/api/mux/lease", bytes: body,
                headers: ["Authorization": value, "Content-Type": "application/json"]
            ).status
        }
        #expect(try await ask() == 200)
        #expect(try await ask() == 401)
        let stranger = Authorization(signing: Digest(of: body), with: try SigningKey.generate()).headerValue
        let unknown = try await hub.ask(
            "POST", "/api/mux/lease", bytes: body,
            headers: ["Authorization": stranger, "Content-Type": "application/json"])
        #expect(unknown.status == 401)
        await hub.stop()
    }

    @Test("A key is replaced by its successor, with proof of both")
    func rotation() async throws {
        let hub = try await hub()
        let old = try TestAgent("bob")
        try await hub.register(old)
        let new = try TestAgent("bob")
        func body(_ signer: SigningKey) -> JSONValue {
            let text = "TIBET-ROTATE-V1\nbob\n\(old.key.publicKey.hex)\n\(new.key.publicKey.hex)"
            return [
                "agent": "bob", "new_public_key": .text(new.key.publicKey.hex),
                "proof": .text(signer.sign(Array(text.utf8)).hex),
            ]
        }
        #expect(try await hub.post("/api/ains/rotate", body(new.key)).status == 401)
        #expect(try await hub.post("/api/ains/rotate", body(new.key), by: new).status == 401)
        #expect(try await hub.post("/api/ains/rotate", body(old.key), by: old).code == "bad_proof")
        let done = try await hub.post("/api/ains/rotate", body(new.key), by: old)
        #expect(done.status == 200)
        #expect(done["record"]?["previous_keys"]?.text(.compact) == "[\"\(old.key.publicKey.hex)\"]")
        #expect(try await hub.get("/api/ipoll/pull/bob", by: old).status == 401)
        #expect(try await hub.get("/api/ipoll/pull/bob", by: new).status == 200)
        await hub.stop()
    }

    @Test("A suspended agent is refused; what an administrator has done, only an administrator undoes")
    func suspension() async throws {
        let admin = TestAgent("admin", key: try SigningKey.generate())
        let hub = try await hub { $0.administrators = [admin.key.publicKey] }
        let (bob, carol) = (try TestAgent("bob"), try TestAgent("carol"))
        try await hub.register(bob)
        try await hub.register(carol)
        #expect(try await hub.post("/api/ains/suspend", ["agent": "bob"], by: carol).status == 403)
        #expect(try await hub.post("/api/ains/suspend", ["agent": "bob", "reason": "lost"], by: bob).status == 200)
        let refused = try await hub.get("/api/ipoll/pull/bob", by: bob)
        #expect(refused.status == 403 && refused.code == "suspended")
        #expect(try await hub.get("/api/ains/resolve/bob")["record"]?["status"]?.text == "suspended")
        #expect(try await hub.post("/api/ains/resume", ["agent": "bob"], by: bob).status == 200)
        #expect(try await hub.get("/api/ipoll/pull/bob", by: bob).status == 200)
        #expect(try await hub.post("/api/ains/suspend", ["agent": "bob"], by: admin).status == 200)
        #expect(try await hub.post("/api/ains/resume", ["agent": "bob"], by: bob).status == 403)
        #expect(try await hub.post("/api/ains/resume", ["agent": "bob"], by: admin).status == 200)
        let grant: JSONValue = ["agent": "bob", "tier": "core", "trust_score": 0]
        #expect(try await hub.post("/api/ains/grant", grant).status == 401)
        #expect(try await hub.post("/api/ains/grant", grant, by: bob).status == 403)
        let granted = try await hub.post("/api/ains/grant", grant, by: admin)
        #expect(granted["record"]?["tier"]?.text == "core" && granted["record"]?["trust_score"]?.double == 0)
        let impostor = TestAgent("admin", key: bob.key)
        #expect(try await hub.post("/api/ains/grant", grant, by: impostor).status == 401)
        #expect(
            try await hub.post(
                "/api/ains/register", ["agent": "admin", "public_key": .text(bob.key.publicKey.hex)], by: impostor
            ).status == 422)
        await hub.stop()
    }

    @Test("A blob is uploaded and read by its two agents alone")
    func blobs() async throws {
        let hub = try await hub()
        let (alice, bob, carol) = (try TestAgent("alice"), try TestAgent("bob"), try TestAgent("carol"))
        for agent in [alice, bob, carol] { try await hub.register(agent) }
        let bytes = Array("sealed".utf8)
        let create: JSONValue = [
            "agent": "alice", "to": "bob", "size_bytes": .integer(bytes.count),
            "digest": .text(Digest(of: bytes).description), "name": "x.tza",
        ]
        #expect(try await hub.post("/api/blobs", create).status == 401)
        let made = try await hub.post("/api/blobs", create, by: alice)
        let id = try #require(made["blob_id"]?.text)
        #expect(made.status == 201)
        let piece = "/api/blobs/\(id)?agent=alice"
        #expect(try await hub.ask("PATCH", piece, bytes: bytes, headers: ["Upload-Offset": "0"]).status == 401)
        let stolen = try await hub.ask("PATCH", piece, bytes: bytes, headers: ["Upload-Offset": "0"], by: carol)
        #expect(stolen.status == 403)
        let done = try await hub.ask("PATCH", piece, bytes: bytes, headers: ["Upload-Offset": "0"], by: alice)
        #expect(done["complete"]?.bool == true)
        #expect(try await hub.get("/api/blobs/\(id)/content?agent=bob").status == 401)
        #expect(try await hub.get("/api/blobs/\(id)/content?agent=carol", by: carol).status == 403)
        #expect(try await hub.get("/api/blobs/\(id)/content?agent=bob", by: bob).body == Data(bytes))
        #expect(try await hub.get("/api/blobs/\(id)/content?agent=alice", by: alice).body == Data(bytes))
        await hub.stop()
    }

    @Test("An open hub refuses to listen to the network unless that is said too")
    func openOnNetwork() async throws {
        for host in ["0.0.0.0", "::", "192.0.2.1"] {
            var configuration = HubConfiguration(store: "never.sqlite")
            configuration.host = host
            configuration.isOpen = true
            await #expect(throws: HubError.openOnNetwork(host)) {
                try await HubServer(configuration: configuration).start()
            }
        }
        let hub = try await TestHub {
            $0.host = "0.0.0.0"
            $0.isOpenToTheNetwork = true
        }
        await hub.stop()
    }
}
