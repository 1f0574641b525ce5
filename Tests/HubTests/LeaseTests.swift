import Fabric
import Foundation
import Hub
import Testing

@Suite("Leases, waiting and events")
struct LeaseTests {
    private func lease(
        _ hub: TestHub, _ kind: String, _ more: JSONObject = [:]
    ) async throws -> (answer: TestAnswer, items: [JSONValue]) {
        var body: JSONObject = ["agent": "bob"]
        for (key, value) in more.members { body[key] = value }
        let answer = try await hub.post("/api/\(kind)/lease", .object(body))
        return (answer, answer[kind == "mux" ? "frames" : "polls"]?.list ?? [])
    }

    private func settle(
        _ hub: TestHub, _ kind: String, _ id: String, _ word: String, _ more: JSONObject = [:]
    ) async throws -> TestAnswer {
        var body: JSONObject = ["agent": "bob", "lease_id": .text(id), "settlement": .text(word)]
        for (key, value) in more.members { body[key] = value }
        return try await hub.post("/api/\(kind)/settle", .object(body))
    }

    /// Something in bob's mailbox.
    private func put(_ hub: TestHub, _ kind: String) async throws {
        if kind == "mux" {
            try await hub.send(["name": "x"], on: try await hub.open(from: "alice-\(Int.random(in: 0..<1 << 40))"))
        } else {
            try await hub.push("x")
        }
    }

    @Test(
        "What is leased is offered to nobody else until it is settled, and settling twice alike is harmless",
        arguments: ["mux", "ipoll"])
    func settling(kind: String) async throws {
        let hub = try await TestHub()
        for _ in 0..<4 { try await put(hub, kind) }
        let leases = try await lease(hub, kind, ["limit": 4]).items.compactMap { $0["lease_id"]?.text }
        #expect(leases.count == 4)
        #expect(try await lease(hub, kind).items.isEmpty)
        if kind == "ipoll" { #expect(try await hub.get("/api/ipoll/pull/bob")["count"]?.integer == 0) }
        for _ in 0..<2 {
            #expect(try await settle(hub, kind, leases[0], "commit")["state"]?.text == "committed")
            #expect(try await settle(hub, kind, leases[1], "refuse", ["reason": "bad"])["state"]?.text == "refused")
        }
        let extended = try await settle(hub, kind, leases[2], "extend", ["seconds": 600])
        #expect(extended["state"]?.text == "leased" && extended["lease_until"]?.text != nil)
        #expect(try await settle(hub, kind, leases[3], "release")["state"]?.text == "waiting")
        let otherwise = try await settle(hub, kind, leases[0], "refuse")
        #expect(otherwise.status == 409 && otherwise.code == "settled_otherwise")
        #expect(otherwise["settled"]?.text == "commit")
        let again = try await lease(hub, kind, ["limit": 10]).items
        #expect(again.count == 1 && again.first?["deliveries"]?.integer == 2)
        let released = try await settle(hub, kind, leases[3], "commit")
        #expect(released.code == "settled_otherwise" && released["settled"]?.text == "release")
        let unknown = try await settle(hub, kind, "nothing", "commit")
        #expect(unknown.status == 404 && unknown.code == "unknown_lease")
        #expect(try await settle(hub, kind, leases[0], "eat").status == 422)
        await hub.stop()
    }

    @Test("Many leases are settled in one request, each for itself")
    func many() async throws {
        let hub = try await TestHub()
        for _ in 0..<3 { try await put(hub, "ipoll") }
        let leases = try await lease(hub, "ipoll", ["limit": 3]).items.compactMap { $0["lease_id"]?.text }
        let answer = try await hub.post(
            "/api/ipoll/settle",
            ["agent": "bob", "lease_ids": .texts(leases + ["nothing"]), "settlement": "commit"])
        let results = try #require(answer["results"]?.list)
        #expect(
            results.map { $0["state"]?.text ?? $0["code"]?.text } == [
                "committed", "committed", "committed", "unknown_lease",
            ])
        #expect(
            try await hub.get("/api/ipoll/history?agent=bob")["polls"]?.list?.allSatisfy {
                $0["status"]?.text == "read"
            } == true)
        await hub.stop()
    }

    @Test("Envelopes of forks are leased apart from other envelopes, however many of those wait")
    func forkEnvelopes() async throws {
        let hub = try await TestHub()
        for number in 0..<150 {
            try await hub.push(
                "\(number)", metadata: ["envelope_name": .text("20260514t064148z.note-\(number).tcd.normal.tza")])
        }
        let fork = "20260514t064148z.fork-0a1b2c3d4e5f.claude.normal.tza"
        try await hub.push("fork", metadata: ["envelope_name": .text(fork)])
        let forks = try await lease(hub, "ipoll", ["kinds": ["fork-envelope"], "limit": 100]).items
        #expect(forks.map { $0["metadata"]?["envelope_name"]?.text } == [fork])
        #expect(forks.first?["kind"]?.text == "fork-envelope")
        // The others are held by no lease, and are there for a consumer at once.
        let others = try await lease(hub, "ipoll", ["kinds": ["envelope"], "limit": 100]).items
        #expect(others.count == 100 && others.allSatisfy { $0["kind"]?.text == "envelope" })
        #expect(try await lease(hub, "ipoll", ["kinds": ["fork-envelope"]]).items.isEmpty)
        await hub.stop()
    }

    @Test("A lease waits for what comes, and a lease that ran out is offered again", arguments: ["mux", "ipoll"])
    func waiting(kind: String) async throws {
        let hub = try await TestHub()
        async let first = lease(hub, kind, ["wait_seconds": 60, "lease_seconds": 1])
        try await hub.waiters(1)
        try await put(hub, kind)
        let item = try #require(try await first.items.first)
        #expect(item["deliveries"]?.integer == 1)
        // Nobody settles it: who waits gets it when the lease is over.
        #expect(try await lease(hub, kind, ["wait_seconds": 60]).items.first?["deliveries"]?.integer == 2)
        let lost = try await settle(hub, kind, try #require(item["lease_id"]?.text), "commit")
        #expect(lost.status == 409 && lost.code == "lease_lost")
        await hub.stop()
    }

    @Test("Who waits gets what another has taken and let run out", arguments: ["mux", "ipoll"])
    func inTheSamePlace(kind: String) async throws {
        let hub = try await TestHub()
        async let one = lease(hub, kind, ["wait_seconds": 60, "lease_seconds": 1])
        async let other = lease(hub, kind, ["wait_seconds": 60, "lease_seconds": 1])
        try await hub.waiters(2)
        try await put(hub, kind)
        let deliveries = try await [one, other].compactMap { $0.items.first?["deliveries"]?.integer }
        #expect(deliveries.sorted() == [1, 2])
        await hub.stop()
    }

    @Test("Many who wait for different things each get one of theirs, whatever comes at once")
    func crowd() async throws {
        let hub = try await TestHub()
        let types = ["PUSH", "TASK"]
        let taken = try await withThrowingTaskGroup(of: JSONValue?.self) { group in
            for number in 0..<24 {
                let wish: JSONObject =
                    number % 3 == 2
                    ? ["wait_seconds": 60] : ["wait_seconds": 60, "poll_types": .texts([types[number % 3]])]
                group.addTask { try await lease(hub, "ipoll", wish).items.first }
            }
            try await hub.waiters(24)
            // Enough for all, whichever of them those take who take any.
            for number in 0..<32 {
                group.addTask {
                    try await hub.push("\(number)", type: types[number % 2])
                    return nil
                }
            }
            return try await group.reduce(into: [JSONValue]()) { $0 += $1.map { [$0] } ?? [] }
        }
        #expect(taken.count == 24 && Set(taken.compactMap { $0["content"]?.text }).count == 24)
        await hub.stop()
    }

    @Test("A pull waits as well, and an empty wait ends in its time")
    func pulling() async throws {
        let hub = try await TestHub()
        async let pulled = hub.get("/api/ipoll/pull/bob?wait=60&mark_read=true&kinds=fork")
        try await hub.waiters(1)
        try await hub.push("no fork")
        try await hub.push("fork", type: "TASK", metadata: ["upip_fork": true])
        let polls = try await pulled["polls"]?.list
        #expect(polls?.count == 1 && polls?.first?["kind"]?.text == "fork")
        #expect(try await hub.get("/api/ipoll/pull/nobody?wait=0.05")["count"]?.integer == 0)
        await hub.stop()
    }

    @Test("Who leaves while waiting takes nothing along", arguments: ["mux", "ipoll"])
    func departure(kind: String) async throws {
        let hub = try await TestHub()
        let body = #"{"agent":"bob","wait_seconds":60}"#
        let connection = try RawConnection(port: hub.port)
        connection.send(
            "POST /api/\(kind)/lease HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n" + body)
        try await hub.waiters(1)
        connection.close()
        try await hub.waiters(0)
        try await put(hub, kind)
        #expect(try await lease(hub, kind).items.first?["deliveries"]?.integer == 1)
        await hub.stop()
    }

    @Test("Of many consumers each item reaches one")
    func once() async throws {
        let hub = try await TestHub()
        for number in 0..<40 { try await hub.push("\(number)") }
        let seen = try await withThrowingTaskGroup(of: [String].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var mine: [String] = []
                    while let item = try await self.lease(hub, "ipoll").items.first {
                        mine.append(try #require(item["content"]?.text))
                        let id = try #require(item["lease_id"]?.text)
                        _ = try await self.settle(hub, "ipoll", id, "commit")
                    }
                    return mine
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(seen.count == 40 && Set(seen).count == 40)
        await hub.stop()
    }

    @Test("Taking the last frame closes its channel, unless it is to stay open")
    func closing() async throws {
        let hub = try await TestHub()
        for staysOpen in [false, true] {
            let channel = try await hub.open(metadata: ["keep_open": .bool(staysOpen)])
            try await hub.send(1, on: channel)
            let id = try #require(try await lease(hub, "mux").items.first?["lease_id"]?.text)
            let settled = try await settle(hub, "mux", id, "commit")
            #expect((settled["closed_channel"]?.text == channel) == !staysOpen)
            let state = try await hub.get("/api/mux/channel/\(channel)")["state"]?.text
            #expect(state == (staysOpen ? "open" : "closed"))
        }
        await hub.stop()
    }

    @Test("Frames wait in a channel that its sender has closed, and are paged through")
    func closedBySender() async throws {
        let hub = try await TestHub()
        let channel = try await hub.open()
        for number in 0..<25 { try await hub.send(.integer(number), on: channel) }
        _ = try await hub.post(
            "/api/mux/close", ["channel_id": .text(channel), "reason": "continuityd_send_done"])
        #expect(try await hub.get("/api/mux/by-target?target=bob")["count"]?.integer == 1)
        var (after, seen): (Int64, [Int64]) = (-1, [])
        while true {
            let page = try await hub.get("/api/mux/channel/\(channel)?after_seq=\(after)&limit=10")
            seen += try #require(page["frames"]?.list).compactMap { $0["payload"]?.integer }
            guard let next = page["next_after_seq"]?.integer else { break }
            after = next
        }
        #expect(seen == Array(0..<25))
        #expect(try await lease(hub, "mux", ["limit": 100]).items.count == 25)
        await hub.stop()
    }

    @Test("The same idempotency key does a thing once")
    func idempotency() async throws {
        let hub = try await TestHub()
        let key = ["Idempotency-Key": "k"]
        let open: JSONValue = ["agent": "alice", "target": "bob", "intent": "x"]
        let first = try await hub.post("/api/mux/open", open, headers: ["Idempotency-Key": "o"])
        let again = try await hub.post("/api/mux/open", open, headers: ["Idempotency-Key": "o"])
        #expect(first["channel_id"]?.text == again["channel_id"]?.text)
        #expect(again.headers["idempotency-replayed"] == "true" && first.headers["idempotency-replayed"] == nil)
        let send: JSONValue = ["channel_id": .text(try #require(first["channel_id"]?.text)), "payload": 1]
        let sent = try await hub.post("/api/mux/send", send, headers: key)
        #expect(try await hub.post("/api/mux/send", send, headers: key).json.text(.compact) == sent.json.text(.compact))
        let push: JSONValue = ["from_agent": "alice", "to_agent": "bob", "content": "x"]
        let other = try await hub.post("/api/ipoll/push", push, headers: key)
        #expect(other.status == 409 && other.code == "key_reused")
        let long = try await hub.post(
            "/api/ipoll/push", push, headers: ["Idempotency-Key": String(repeating: "k", count: 129)])
        #expect(long.status == 422)
        await hub.stop()
    }

    @Test("Events tell of what waits and of what comes")
    func events() async throws {
        let hub = try await TestHub()
        try await hub.push("before")
        let polls = try RawConnection(port: hub.port)
        polls.send("GET /api/ipoll/events/bob HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(await polls.read(through: "\r\n\r\n").contains("text/event-stream"))
        #expect(await polls.read(through: "\n\n").contains("event: waiting\ndata: {\"count\":1}"))
        try await hub.waiters(1)
        // One hint may say that something waits still; then comes the message.
        let id = try await hub.push("after", type: "TASK")
        var told = await polls.read(through: "\n\n")
        while told.contains("event: waiting") { told = await polls.read(through: "\n\n") }
        let unproven = #""proven":false,"tier":"sandbox","sender_key":null}"#
        #expect(
            told.contains(
                "event: poll\ndata: {\"id\":\"\(id)\",\"poll_type\":\"TASK\",\"kind\":\"message\"," + unproven))
        let frames = try RawConnection(port: hub.port)
        frames.send("GET /api/mux/events?agent=bob&intent=x HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(await frames.read(through: "\n\n").contains("event: waiting"))
        let channel = try await hub.open(intent: "x")
        try await hub.waiters(2)
        try await hub.send(1, on: channel)
        var hint = await frames.read(through: "\n\n")
        while !hint.contains("event: frame") { hint = await frames.read(through: "\n\n") }
        #expect(hint.contains("{\"channel_id\":\"\(channel)\",\"seq\":0,\"intent\":\"x\"," + unproven))
        await hub.stop()
        // The end of the hub is the end of the stream.
        #expect(await polls.readAll().hasSuffix("0\r\n\r\n"))
    }
}

extension TestHub {
    /// Returns when so many requests wait.
    func waiters(_ count: Int64) async throws {
        for _ in 0..<3000 {
            if try await get("/api/hub/status")["waiting_requests"]?.integer == count { return }
        }
        Issue.record("there are never \(count) requests that wait")
    }
}
