import Fabric
import Foundation
import Resolver
import Testing

@Suite("Hosts that are pinned with a key")
struct RouteHostTests {
    let bench: Bench
    let target = DeliveryTarget("bob.aint")

    init() throws { bench = try Bench() }

    private func record(_ routes: String..., key: String? = Bench.key) -> StubService.Reply {
        let list = routes.map { "\"\($0)\"" }.joined(separator: ",")
        return Bench.record((key.map { "\"public_key\":\"\($0)\"," } ?? "") + "\"routes\":[\(list)],\"ttl\":0")
    }

    private func pinned() throws -> [String]? { try bench.trust.pin(.ains, "bob.aint")?.hosts }

    @Test("The hosts are pinned with the key when it is seen first; asking alone pins nothing")
    func first() async throws {
        let stub = StubService(record("https://a.example", "u@b.example:/in"))
        #expect(await (try bench.resolver(stub)).explain(target).hostChange == nil)
        #expect(try bench.trust.pins().isEmpty)
        let plan = try await bench.resolver(stub).plan(for: target)
        #expect(plan.hostChange == nil)
        #expect(plan.receiver?.key?.hex == Bench.key)
        #expect(try pinned() == ["a.example:443", "b.example:22"])
        #expect(try await bench.resolver(stub).plan(for: target).notices.isEmpty)
    }

    @Test("Another host for the same key is told with both, and goes on being told")
    func changed() async throws {
        let stub = StubService(record("https://a.example"))
        _ = try await bench.resolver(stub).plan(for: target)
        for routes in [record("https://evil.example"), record("https://a.example", "https://evil.example"), record()] {
            stub.change(routes)
            for _ in 0..<2 {
                let plan = await (try bench.resolver(stub)).resolve(target)
                #expect(plan.hostChange?.pinned == ["a.example:443"])
                #expect(plan.notices.contains { $0.contains("pinned a.example:443; now ") }, "\(plan.notices)")
                #expect(plan.notices.contains { $0.contains("tcd resolve bob.aint --accept-routes") })
            }
        }
        #expect(try pinned() == ["a.example:443"])
        stub.change(record("https://a.example/other"))
        #expect(try await bench.resolver(stub).plan(for: target).hostChange == nil)
    }

    @Test("With strict routes a change stops, until it is accepted")
    func strict() async throws {
        let stub = StubService(record("https://a.example"))
        func resolver() throws -> BenchedResolver { try bench.resolver(stub) { $0.strictRoutes = true } }
        _ = try await resolver().plan(for: target)
        stub.change(record("https://evil.example", key: nil))
        let stopped = await (try resolver()).resolve(target)
        #expect(stopped.isStoppedByHosts)
        #expect(stopped.failure?.kind == .refused)
        #expect(stopped.failure?.action == .waitForPerson)
        #expect(stopped.failure?.explanation.contains("pinned a.example:443; now evil.example:443") == true)
        #expect(stopped.receiver?.key?.hex == Bench.key)
        #expect(throws: CarrierError.self) { try stopped.plan() }
        let pin = try await resolver().resolver.acceptHosts(of: target)
        #expect(pin.hosts == ["evil.example:443"])
        #expect(pin.key == Bench.key)
        #expect(try await resolver().plan(for: target).routes.map(\.route.address) == ["https://evil.example"])
    }

    @Test(
        "A pin without hosts takes those that are seen first, and says so; where no key is pinned nothing is accepted")
    func later() async throws {
        let stub = StubService(record("https://a.example"))
        let held = try bench.resolver(stub)
        await #expect(throws: CarrierError.self) { try await held.resolver.acceptHosts(of: target) }
        try bench.trust.add(try Pin(kind: .ains, subject: "bob.aint", key: Bench.key, reason: "", source: "test"))
        let plan = try await held.plan(for: target)
        #expect(plan.notices.contains { $0.contains("pinned the hosts that AINS") }, "\(plan.notices)")
        #expect(try pinned() == ["a.example:443"])
    }

    @Test("A key that routes.toml has is pinned with its hosts too")
    func configured() async throws {
        let stub = StubService(record("https://a.example"))
        let routes = "[targets.\"bob.aint\"]\nkey = \"\(Bench.key)\""
        _ = try await bench.resolver(stub, routes: routes).plan(for: target)
        stub.change(record("https://evil.example"))
        #expect(
            try await bench.resolver(stub, routes: routes).plan(for: target).hostChange?.offered == ["evil.example:443"]
        )
    }
}

extension BenchedResolver {
    /// As `plan`, but with everything that was said.
    fileprivate func resolve(_ target: DeliveryTarget) async -> Resolution {
        defer { withExtendedLifetime((bench, service)) {} }
        return await resolver.resolve(target, pinning: true)
    }
}
