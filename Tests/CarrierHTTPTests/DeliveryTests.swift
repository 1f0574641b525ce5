import CarrierHTTP
import Fabric
import Synchronization
import Testing

/// Our sender against our listener, when nothing goes wrong.
@Suite struct DeliveryTests {
    @Test func bringsAnEnvelope() async throws {
        try await TestInbox.with { inbox in
            let bytes = pattern(100_000)
            let receipt = try await carrier(key(1)).deliver(
                envelope("a.tza", bytes), along: inbox.route, reporting: .none)
            #expect(receipt.strength == .stored)
            #expect(receipt.storedName == "a.tza")
            #expect(receipt.farDigest == Digest(of: bytes))
            #expect(!receipt.wasDuplicate)
            #expect(inbox.workspace.content("a.tza") == bytes)
            let arrival = await inbox.arrivals(1)[0]
            #expect(arrival.requestedName.text == "a.tza")
            #expect(arrival.publication.outcome == .created)
            #expect(arrival.authentication == .valid(key: key(1).publicKey, claim: nil))
            #expect(arrival.remoteAddress?.hasPrefix("127.0.0.1:") == true)
            #expect(inbox.workspace.leftovers.isEmpty)
        }
    }

    @Test(arguments: [1, 2, 4095, 65536, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5_000_001])
    func bringsEverySize(_ size: Int) async throws {
        try await TestInbox.with { inbox in
            let bytes = pattern(size)
            let seen = Mutex<[Int64]>([])
            let receipt = try await carrier().deliver(
                envelope("a.tza", bytes), along: inbox.route,
                reporting: ProgressSink { value in seen.withLock { $0.append(value) } })
            #expect(receipt.strength == .stored)
            #expect(inbox.workspace.content("a.tza") == bytes)
            let progress = seen.withLock { $0 }
            #expect(progress.last == Int64(size))
            #expect(zip(progress, progress.dropFirst()).allSatisfy { $0 < $1 })
            #expect(progress.filter { $0 == Int64(size) }.count == 1)
        }
    }

    @Test(arguments: [1000, 2_000_000]) func bringsTheSameTwice(_ size: Int) async throws {
        try await TestInbox.with { inbox in
            let sender = carrier(key(1))
            let object = envelope("a.tza", pattern(size))
            _ = try await sender.deliver(object, along: inbox.route, reporting: .none)
            let second = try await sender.deliver(object, along: inbox.route, reporting: .none)
            #expect(second.wasDuplicate)
            #expect(second.storedName == "a.tza")
            #expect(inbox.workspace.visible() == ["a.tza"])
            _ = try await sender.deliver(envelope("b.tza", [1]), along: inbox.route, reporting: .none)
            let arrivals = await inbox.arrivals(3)
            #expect(arrivals.map(\.requestedName.text) == ["a.tza", "a.tza", "b.tza"])
            #expect(arrivals.map(\.publication.outcome) == [.created, .duplicate, .created])
        }
    }

    @Test(arguments: [1000, 2_000_000]) func keepsAnotherObjectOfTheSameNameBeside(_ size: Int) async throws {
        try await TestInbox.with { inbox in
            let sender = carrier(key(1))
            let (first, second) = (pattern(size, seed: 1), pattern(size, seed: 2))
            _ = try await sender.deliver(envelope("a.b.c.d.tza", first), along: inbox.route, reporting: .none)
            let receipt = try await sender.deliver(
                envelope("a.b.c.d.tza", second), along: inbox.route, reporting: .none)
            let beside = "a.b.c.d.\(Digest(of: second).shortHex).tza"
            #expect(receipt.storedName == beside)
            #expect(!receipt.wasDuplicate)
            #expect(inbox.workspace.content("a.b.c.d.tza") == first)
            #expect(inbox.workspace.content(beside) == second)
            let arrivals = await inbox.arrivals(2)
            #expect(arrivals[1].publication.outcome == .keptBeside)
            #expect(arrivals[1].requestedName.text == "a.b.c.d.tza")
        }
    }

    @Test func worksWithAPrefixAndWithInboxInTheAddress() async throws {
        try await TestInbox.with { inbox in
            let route = Route(scheme: "http", address: inbox.address.description + "/inbox/")
            _ = try await carrier().deliver(envelope("a.tza", [1, 2, 3]), along: route, reporting: .none)
            #expect(inbox.workspace.content("a.tza") == [1, 2, 3])
        }
    }

    @Test func sendsItsOwnDIDWhenConfigured() async throws {
        try await TestInbox.with { inbox in
            let sender = carrier(key(1)) { $0.senderDID = "jis:acme:svc@node-a" }
            _ = try await sender.deliver(envelope("a.tza", [1]), along: inbox.route, reporting: .none)
            #expect(
                await inbox.arrivals(1)[0].authentication
                    == .valid(key: key(1).publicKey, claim: "jis:acme:svc@node-a"))
        }
    }

    @Test func probes() async throws {
        try await TestInbox.with { inbox in
            try await carrier().probe(inbox.route)
        }
        let nobody = Route(scheme: "http", address: "http://127.0.0.1:9")
        let error = await #expect(throws: CarrierError.self) { try await carrier().probe(nobody) }
        #expect(error?.kind == .unreachable)
    }
}
