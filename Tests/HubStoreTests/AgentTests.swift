import Fabric
import Testing

@testable import Hub

@Suite("Agents and what requests leave behind", .timeLimit(.minutes(5)))
struct AgentTests {
    private func key(_ byte: UInt8) throws -> PublicKey {
        try #require(PublicKey(bytes: [UInt8](repeating: byte, count: 32)))
    }

    @Test("A name is its key's", arguments: StoreKind.allCases)
    func registration(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        var record = AgentRecord(
            name: "alice", publicKey: try key(1), owner: "A", endpoint: "http://h:1", iPoll: "http://h/api/ipoll",
            capabilities: ["push", "a,b", ""], routes: ["http http://h:1", "12:3"], description: "é: x",
            tier: .registered,
            trustScore: 0.75)
        #expect(try await store.register(record) == .created)
        var kept = try #require(try await store.agent("alice"))
        record.registeredAt = kept.registeredAt
        record.updatedAt = kept.updatedAt
        #expect(kept == record)
        #expect(kept.registeredAt == subject.clock.now)
        _ = try await store.grant(agent: "alice", tier: .core, trustScore: 0.9)
        record.publicKey = try key(2)
        #expect(
            await failure { try await store.register(record) }
                == .nameTaken("alice"))
        record.publicKey = try key(1)
        record.endpoint = nil
        #expect(try await store.register(record) == .replaced)
        kept = try #require(try await store.agent("alice"))
        #expect(kept.endpoint == nil)
        #expect(kept.tier == .core)
        #expect(kept.trustScore == 0.9)
        #expect(try await store.agent("bob") == nil)
        #expect(try await store.totals().agentsRegistered == 1)
    }

    @Test("Of many that want one name, one gets it", arguments: StoreKind.allCases)
    func race(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let other = kind == .postgres ? try await subject.another() : subject.store
        let keys = try (1...10).map { try key($0) }
        let created = await withTaskGroup(of: Bool.self) { group in
            for (number, key) in keys.enumerated() {
                group.addTask {
                    let store = number.isMultiple(of: 2) ? subject.store : other
                    return (try? await store.register(AgentRecord(name: "x", publicKey: key))) == .created
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(created == 1)
    }

    @Test("Keys rotate, agents are suspended and resumed", arguments: StoreKind.allCases)
    func changes(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        let (one, two, three) = (try key(1), try key(2), try key(3))
        _ = try await store.register(AgentRecord(name: "alice", publicKey: one))
        #expect(
            await failure { try await store.rotate(agent: "alice", from: two, to: three) }
                == .keyChanged("alice"))
        _ = try await store.rotate(agent: "alice", from: one, to: two)
        let rotated = try await store.rotate(agent: "alice", from: two, to: three)
        #expect(rotated.previousKeys == [one, two])
        #expect(try await store.agent(withKey: three)?.name == "alice")
        #expect(try await store.agent(withKey: one) == nil)
        #expect(try await store.setSuspended(true, agent: "alice", reason: "spam").suspensionReason == "spam")
        #expect(try await store.agent("alice")?.isSuspended == true)
        #expect(try await store.setSuspended(false, agent: "alice").isSuspended == false)
        #expect(
            await failure { try await store.setSuspended(true, agent: "bob") }
                == .unknownAgent("bob"))
    }

    @Test("Agents are listed in pages and found by words", arguments: StoreKind.allCases)
    func search(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        for (name, capability, text) in [
            ("storm.alpha", "Push", "weather for ships"), ("beta_1", "pull", "Weather for planes"),
            ("gamma", "push", "nothing"), ("Zeta", "push", "upper case"),
        ] {
            _ = try await store.register(
                AgentRecord(name: name, publicKey: nil, capabilities: [capability], description: text))
        }
        #expect(try await store.agents(limit: 10).map(\.name) == ["Zeta", "beta_1", "gamma", "storm.alpha"])
        #expect(try await store.agents(after: "beta_1", limit: 1).map(\.name) == ["gamma"])
        func found(_ text: String) async throws -> [String] {
            try await store.searchAgents(text, limit: 10).map(\.name)
        }
        #expect(try await found("weather") == ["beta_1", "storm.alpha"])
        #expect(try await found("WEATH ships") == ["storm.alpha"])
        #expect(try await found("push") == ["Zeta", "gamma", "storm.alpha"])
        #expect(try await found("alph") == ["storm.alpha"])
        #expect(try await found("storm.alpha") == ["storm.alpha"])
        #expect(try await found("%") == [])
        #expect(try await found("nobody") == [])
    }

    @Test("A nonce is new once, until it has expired", arguments: StoreKind.allCases)
    func nonces(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let other = kind == .postgres ? try await subject.another() : subject.store
        let expiry = Timestamp(seconds: subject.clock.now.seconds + 600)
        let firsts = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    try await (number.isMultiple(of: 2) ? subject.store : other)
                        .isFirstUse(ofNonce: "n", by: "alice", until: expiry)
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(firsts == 1)
        #expect(try await subject.store.isFirstUse(ofNonce: "n", by: "bob", until: expiry))
        subject.clock.advance(seconds: 600)
        #expect(try await subject.store.sweep().notes == 2)
        #expect(try await subject.store.isFirstUse(ofNonce: "n", by: "alice", until: expiry))
    }
}
