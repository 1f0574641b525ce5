import Fabric
import Foundation
import Hub
import Testing

@Suite("Limits")
struct LimitTests {
    @Test("Tiers limit how much is sent, and how often; the answer says when to come back")
    func tiers() async throws {
        let admin = TestAgent("admin", key: try SigningKey.generate())
        let hub = try await TestHub(isOpen: false) { $0.administrators = [admin.key.publicKey] }
        func push(_ count: Int, by agent: TestAgent? = nil) async throws -> TestAnswer {
            try await hub.post(
                "/api/ipoll/push",
                [
                    "from_agent": .text(agent?.name ?? "stranger"), "to_agent": "bob",
                    "content": .text(String(repeating: "x", count: count)),
                ], by: agent)
        }
        try await hub.register(try TestAgent("bob"))
        #expect(try await push(4097).status == 413)
        #expect(try await push(4096).status == 200)
        for _ in 0..<9 { #expect(try await push(1).status == 200) }
        let over = try await push(1)
        #expect(over.status == 429 && over.code == "quota")
        #expect((1...3600).contains(Int(over.headers["retry-after"] ?? "") ?? 0))
        let alice = try TestAgent("alice")
        try await hub.register(alice)
        #expect(try await push(64 << 10, by: alice).status == 200)
        #expect(try await push((64 << 10) + 1, by: alice)["limit"]?.integer == 64 << 10)
        _ = try await hub.post("/api/ains/grant", ["agent": "alice", "tier": "core"], by: admin)
        for _ in 0..<120 { #expect(try await push(1, by: alice).status == 200) }
        await hub.stop()
    }

    @Test("More requests than the rate are refused for a moment")
    func rate() async throws {
        let hub = try await TestHub { $0.limits.requestsPerSecond = 1 }
        var refused: TestAnswer?
        for _ in 0..<40 where refused == nil {
            let answer = try await hub.get("/health")
            if answer.status == 429 { refused = answer }
        }
        #expect(refused?.code == "rate" && refused?.headers["retry-after"] == "1")
        await hub.stop()
    }

    @Test("Nothing is taken that would use up the disk's reserve, and reading goes on")
    func reserve() async throws {
        let hub = try await TestHub { $0.limits.reserve = .max / 2 }
        let poll: JSONValue = ["from_agent": "a", "to_agent": "b", "content": "x"]
        for (target, body) in [
            ("/api/ipoll/push", poll), ("/api/mux/open", ["agent": "a", "target": "b", "intent": "x"]),
            (
                "/api/blobs",
                [
                    "agent": "a", "to": "b", "size_bytes": 1, "name": "x",
                    "digest": .text(Digest(of: [1]).description),
                ]
            ),
        ] as [(String, JSONValue)] {
            let answer = try await hub.post(target, body)
            #expect(answer.status == 507 && answer.code == "full", "\(target)")
        }
        #expect(try await hub.get("/api/ipoll/pull/b").status == 200)
        await hub.stop()
    }

    @Test("A mailbox holds so much and no more, blobs included")
    func mailbox() async throws {
        let hub = try await TestHub { $0.limits.mailboxBytes = 1000 }
        func blob(_ size: Int64) async throws -> TestAnswer {
            try await hub.post(
                "/api/blobs",
                [
                    "agent": "a", "to": "b", "size_bytes": .integer(size), "name": "x",
                    "digest": .text(Digest(of: [UInt8(size & 0xff)]).description),
                ])
        }
        #expect(try await blob(1001).code == "mailbox_full")
        let begun = try await blob(900)
        #expect(begun.status == 201)
        // What was announced takes no room.
        let second = try #require(try await blob(200)["blob_id"]?.text)
        let first = try #require(begun["blob_id"]?.text)
        func add(_ count: Int, to id: String) async throws -> TestAnswer {
            try await hub.ask(
                "PATCH", "/api/blobs/\(id)?agent=a", bytes: [UInt8](repeating: 1, count: count),
                headers: ["Upload-Offset": "0"])
        }
        #expect(try await add(890, to: first)["received"]?.integer == 890)
        let full = try await add(150, to: second)
        #expect(full.status == 429 && full.code == "mailbox_full" && full.headers["retry-after"] != nil)
        #expect(try await blob(201).code == "mailbox_full")
        let poll: JSONValue = [
            "from_agent": "a", "to_agent": "b", "content": .text(String(repeating: "x", count: 200)),
        ]
        #expect(try await hub.post("/api/ipoll/push", poll).code == "mailbox_full")
        await hub.stop()
    }

    @Test("A body is refused for its length before and while it comes, and the answer is read")
    func bodies() async throws {
        let hub = try await TestHub()
        let announced = try RawConnection(port: hub.port)
        announced.send(
            "POST /api/mux/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\nExpect: 100-continue\r\n\r\n"
        )
        #expect(await announced.read(through: "\r\n").hasPrefix("HTTP/1.1 413 "))
        let chunked = try RawConnection(port: hub.port)
        chunked.send("POST /api/mux/open HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        let piece = "10000\r\n" + String(repeating: "x", count: 65_536) + "\r\n"
        for _ in 0..<2 { chunked.send(piece) }
        #expect(await chunked.read(through: "\r\n").hasPrefix("HTTP/1.1 413 "))
        let patient = try RawConnection(port: hub.port)
        let body = #"{"agent":"a","target":"b","intent":"x"}"#
        patient.send(
            "POST /api/mux/open HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\nExpect: 100-continue\r\n\r\n"
        )
        #expect(await patient.read(through: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
        patient.send(body)
        #expect(await patient.read(through: "\r\n").hasPrefix("HTTP/1.1 200 "))
        await hub.stop()
    }

    @Test("What is no HTTP, comes too slowly or is malformed is answered as JSON, and the hub goes on")
    func malformed() async throws {
        let hub = try await TestHub { $0.limits.headerTime = .milliseconds(200) }
        let noise = try RawConnection(port: hub.port)
        noise.send("\u{1}\u{2}nonsense\r\n\r\n")
        #expect(await noise.readAll().contains("\"detail\""))
        let slow = try RawConnection(port: hub.port)
        slow.send("GET /health HT")
        #expect(await slow.readAll().hasPrefix("HTTP/1.1 408 "))
        let json = ["Content-Type": "application/json"]
        for (body, status) in [("", 422), ("[]", 422), ("{\"agent\": 1}", 422), ("\u{0}", 422)] {
            let answer = try await hub.ask("POST", "/api/mux/open", bytes: Array(body.utf8), headers: json)
            #expect(answer.status == status, "\(body)")
        }
        let deep = String(repeating: "[", count: 100_000)
        #expect(try await hub.ask("POST", "/api/mux/send", bytes: Array(deep.utf8), headers: json).status == 422)
        let nul = try await hub.post("/api/mux/open", ["agent": "a", "target": "b", "intent": "\u{0}"])
        #expect(nul.status == 422)
        #expect(try await hub.get("/nothing")["detail"]?.text == "Not Found")
        let escape = try RawConnection(port: hub.port)
        escape.send("GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(await escape.read(through: "\r\n").hasPrefix("HTTP/1.1 400 "))
        let wrong = try await hub.ask("DELETE", "/api/mux/open")
        #expect(wrong.status == 405 && wrong.headers["allow"] == "POST")
        #expect(try await hub.get("/api/ipoll/pull/a%20b").status == 422)
        #expect(try await hub.get("/api/ipoll/pull/a?limit=0").status == 422)
        #expect(try await hub.get("/health").status == 200)
        await hub.stop()
    }

    @Test("A message of a type that would break a client is refused")
    func types() async throws {
        let hub = try await TestHub()
        let answer = try await hub.post(
            "/api/ipoll/push", ["from_agent": "a", "to_agent": "b", "content": "x", "poll_type": "FLARE"])
        #expect(answer.status == 422)
        await hub.stop()
    }
}
