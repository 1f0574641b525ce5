import Fabric
import ProgramRunner
import SystemPackage
import Testing

@testable import HTTPServing
@testable import Hub

/// Who is counted, and by what.
@Suite("Rates")
struct RateTests {
    /// Asks again and again until an answer has this status, at most sixty times. All statuses.
    private func ask(
        until status: Int, _ hub: TestHub, _ target: String, headers: [String: String] = [:], by agent: TestAgent? = nil
    ) async throws -> [Int] {
        var found: [Int] = []
        while found.last != status, found.count < 60 {
            found.append(try await hub.ask("GET", target, headers: headers, by: agent).status)
        }
        return found
    }

    @Test(
        "An address is counted whatever headers its requests have",
        arguments: [
            [:], ["X-AInternet-Signature": "x"], ["Authorization": "TIBET-SIG"],
            ["X-AInternet-Signature": "x", "X-AInternet-Domain": "bob"],
        ] as [[String: String]])
    func headers(headers: [String: String]) async throws {
        // One a second, ten in ten.
        let hub = try await TestHub(isOpen: false) { $0.limits.requestsPerSecond = 1 }
        #expect(try await ask(until: 429, hub, "/api/ains/list", headers: headers).last == 429)
        #expect(try await ask(until: 429, hub, "/nothing", headers: headers).last == 429)
        await hub.stop()
    }

    @Test("A proven agent is served when strangers have used up its address, also with signatures in its name")
    func proven() async throws {
        let hub = try await TestHub(isOpen: false) { $0.limits.requestsPerSecond = 1 }
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        #expect(try await hub.get("/api/ipoll/pull/bob", by: bob).status == 200)
        let thief = TestAgent("bob", key: try SigningKey.generate())
        for _ in 0..<30 { #expect(try await hub.get("/api/ipoll/pull/bob", by: thief).status == 401) }
        #expect(try await ask(until: 429, hub, "/api/ipoll/pull/bob", by: try TestAgent("eve")).last == 429)
        #expect(try await ask(until: 429, hub, "/health").last == 429)
        #expect(try await hub.get("/api/ipoll/pull/bob", by: bob).status == 200)
        // It is counted by its own name.
        #expect(try await ask(until: 429, hub, "/api/ipoll/pull/bob", by: bob).last == 429)
        await hub.stop()
    }

    @Test("A signature in a name that is not registered, and one that fails, leave nothing in the store")
    func nonces() async throws {
        let hub = try await TestHub(isOpen: false)
        let (bob, ghost) = (try TestAgent("bob"), try TestAgent("ghost"))
        try await hub.register(bob)
        let thief = TestAgent("bob", key: ghost.key)
        #expect(try await hub.get("/api/ipoll/pull/bob", by: ghost).status == 401)
        #expect(try await hub.get("/api/ipoll/pull/bob", by: thief).status == 401)
        await hub.stop()
        let store = try await HubStore(.file(FilePath(hub.folder.path("hub.sqlite"))))
        let names = try await store.core.ask { inquiry throws(JobFailure) in
            try inquiry.rows("SELECT DISTINCT agent, COUNT(*) FROM nonce").map { "\($0.text(0)) \($0.integer(1))" }
        }
        // That of the registration.
        #expect(names == ["bob 1"])
        await store.close()
    }

    @Test("At its limit of names the limiter forgets the fullest buckets, and not who has used up much")
    func eviction() {
        let limiter = RateLimiter(rate: 1, most: 16)
        let now = ContinuousClock.now
        for _ in 0..<10 { #expect(limiter.take("busy", at: now) == 0) }
        #expect(limiter.take("busy", at: now) == 1)
        for number in 0..<1000 { #expect(limiter.take("once \(number)", at: now) == 0) }
        #expect(limiter.take("busy", at: now) == 1)
        #expect(limiter.take("busy", at: now + .seconds(1)) == 0)
        limiter.give("busy", at: now + .seconds(1))
        #expect(limiter.hasToken("busy", at: now + .seconds(1)))
    }

    @Test(
        "IPv6 addresses count by their network of 64 bits",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("::ffff:10.0.0.7", "10.0.0.7"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"), ("fe80::1%eth0", "fe80:0:0:0::/64"), ("::1", "0:0:0:0::/64"),
        ])
    func networks(address: String, counted: String) {
        #expect(ClientAddress.counted(address) == counted)
    }

    @Test("Half of the budget of bodies is kept for agents that were proven")
    func budget() {
        let budget = BodyBudget(100)
        #expect(budget.take(50, mayUseAll: false))
        #expect(!budget.take(1, mayUseAll: false))
        #expect(budget.take(50, mayUseAll: true))
        #expect(!budget.take(1, mayUseAll: true))
        budget.give(100)
        #expect(budget.take(50, mayUseAll: false))
    }

    @Test("What a WebSocket sends is taken from the budget from its first byte until it was dealt with")
    func socketBudget() {
        let budget = BodyBudget(800)
        let socket = SocketBudget(budget, mayUseAll: false)
        #expect(socket.receive(60) && !socket.receive(41))
        socket.complete()
        #expect(socket.receive(40) && !budget.take(1, mayUseAll: false))
        socket.consume()
        #expect(budget.take(240, mayUseAll: false))
        socket.end()
        #expect(budget.take(160, mayUseAll: false) && !budget.take(1, mayUseAll: false))
    }

    @Test("Bodies and messages beyond the budget are refused, and the hub goes on")
    func beyondBudget() async throws {
        let hub = try await TestHub { $0.limits.bodies = 160_000 }
        let channel = try await hub.open()
        let text = String(repeating: "x", count: 30_000)
        let busy = try await hub.send(.text(text), on: channel)
        #expect(busy.status == 503 && busy.code == "busy" && busy.headers["retry-after"] == "1")
        let socket = try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=w")
        socket.send(#"{"action":"\#(text)"}"#)
        let refused = await socket.next()
        #expect(refused.opcode == 8 && refused.bytes.prefix(2) == [0x03, 0xf5])
        for _ in 0..<10 { #expect(try await hub.send(.text(String(text.prefix(15_000))), on: channel).status == 200) }
        await hub.stop()
    }

    @Test("Messages over a WebSocket count as requests do")
    func sockets() async throws {
        let hub = try await TestHub { $0.limits.requestsPerSecond = 1 }
        let socket = try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=w")
        for _ in 0..<60 { socket.send(#"{"action":"list"}"#) }
        var answers: [String] = []
        for _ in 0..<60 { answers.append(await socket.text()) }
        #expect(answers.first?.contains("channel_list") == true)
        #expect(answers.contains { $0.contains(#""error":"rate""#) })
        await hub.stop()
    }

    @Test("JSON above 64 KiB is not read on an event loop")
    func besideLoops() async throws {
        for (count, isBeside) in [(64 << 10, false), ((64 << 10) + 1, true)] {
            let bytes = [UInt8](repeating: 0x20, count: count)
            let found = try await RequestJSON.read(bytes) { _ throws(HubFault) in RequestJSON.isBesideLoops }
            #expect(found == isBeside)
        }
    }
}
