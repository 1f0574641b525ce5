import Fabric
import Hub
import Testing

/// What senders without a registered key can use up, and what proven senders notice of it.
@Suite("Unproven senders")
struct UnprovenTests {
    private func blob(
        _ size: Int64, from sender: String, number: Int = 0, at hub: TestHub, by agent: TestAgent? = nil
    ) async throws -> TestAnswer {
        try await hub.post(
            "/api/blobs",
            [
                "agent": .text(sender), "to": "bob", "size_bytes": .integer(size), "name": "x",
                "digest": .text(Digest(of: Array("\(number)".utf8)).description),
            ], by: agent)
    }

    @Test("An announced size closes no mailbox, and one beyond what unproven senders may store is refused")
    func announced() async throws {
        let hub = try await TestHub(isOpen: false) { $0.limits.mailboxBytes = 100 << 20 }
        let (alice, bob) = (try TestAgent("alice"), try TestAgent("bob"))
        for agent in [alice, bob] { try await hub.register(agent) }
        let large = try await blob(5 << 30, from: "mallory", at: hub)
        #expect(large.status == 413 && large["limit"]?.integer == 64 << 20)
        for number in 0..<10 {
            #expect(try await blob(60 << 20, from: "mallory\(number)", number: number, at: hub).status == 201)
        }
        #expect(try await blob(90 << 20, from: "alice", at: hub, by: alice).status == 201)
        let poll: JSONValue = ["from_agent": "alice", "to_agent": "bob", "content": "urgent"]
        #expect(try await hub.post("/api/ipoll/push", poll, by: alice).status == 200)
        await hub.stop()
    }

    @Test("Unproven senders share what they may store; proven senders are served when it is used up")
    func shared() async throws {
        let hub = try await TestHub(isOpen: false) {
            $0.limits.unprovenBytes = 20_000
            // Less than unproven senders may store would be left of this mailbox.
            $0.limits.mailboxBytes = 20_000
        }
        let (alice, bob) = (try TestAgent("alice"), try TestAgent("bob"))
        for agent in [alice, bob] { try await hub.register(agent) }
        let id = try #require(try await blob(15_000, from: "mallory", at: hub)["blob_id"]?.text)
        func add(_ count: Int, to id: String, _ sender: String, by agent: TestAgent? = nil) async throws -> TestAnswer {
            try await hub.ask(
                "PATCH", "/api/blobs/\(id)?agent=\(sender)", bytes: [UInt8](repeating: 1, count: count),
                headers: ["Upload-Offset": "0"], by: agent)
        }
        #expect(try await add(14_000, to: id, "mallory").status == 200)
        let poll: JSONValue = [
            "from_agent": "eve", "to_agent": "bob", "content": .text(String(repeating: "x", count: 4000)),
        ]
        let full = try await hub.post("/api/ipoll/push", poll)
        #expect(full.status == 429 && full.code == "unproven_full" && full.headers["retry-after"] == "60")
        #expect(try await blob(1, from: "eve", number: 1, at: hub).status == 201)
        let own = try #require(try await blob(19_000, from: "alice", number: 2, at: hub, by: alice)["blob_id"]?.text)
        #expect(try await add(18_999, to: own, "alice", by: alice).status == 200)
        let urgent: JSONValue = ["from_agent": "alice", "to_agent": "bob", "content": "urgent"]
        #expect(try await hub.post("/api/ipoll/push", urgent, by: alice).status == 200)
        await hub.stop()
    }

    @Test("The limits of the tier sandbox hold for frames, in a request and over a WebSocket")
    func frames() async throws {
        let hub = try await TestHub(isOpen: false)
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        let channel = try await hub.open(from: "mallory", to: "bob")
        let large = try await hub.send(.text(String(repeating: "x", count: 4095)), on: channel)
        #expect(large.status == 413 && large["limit"]?.integer == 4096)
        #expect(try await hub.send(.text(String(repeating: "x", count: 4094)), on: channel).status == 200)
        // More than that is refused before it is read as JSON.
        let junk = [UInt8](repeating: 0x5b, count: (64 << 10) + 1)
        for (target, status) in [("/api/mux/send", 413), ("/api/ipoll/push", 413), ("/api/ipoll/file/push", 422)] {
            let answer = try await hub.ask(
                "POST", target, bytes: junk, headers: ["Content-Type": "application/json"])
            #expect(answer.status == status, "\(target)")
        }
        for _ in 0..<9 { #expect(try await hub.send("x", on: channel).status == 200) }
        let more = try await hub.send("x", on: channel)
        #expect(more.status == 429 && more.code == "quota")
        await hub.stop()
    }
}
