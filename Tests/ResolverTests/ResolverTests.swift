import Fabric
import Foundation
import Resolver
import SystemPackage
import Testing

/// A resolver with a state of its own, and the name service that a test stands up.
struct Bench: Sendable {
    let scratch: Scratch
    let builtIn: Set<String>

    init(builtIn: Set<String> = ["http", "https", "local", "scp"]) throws {
        scratch = try Scratch()
        self.builtIn = builtIn
    }

    /// A resolver as a process that has just started has it.
    func resolver(
        _ service: StubService? = nil, routes: String? = nil, _ change: (inout ResolverConfiguration) -> Void = { _ in }
    ) throws -> BenchedResolver {
        var configuration = ResolverConfiguration(
            state: scratch.path.appending("state"), carriers: KnownCarriers(builtIn: builtIn))
        configuration.ainsURL = service?.url
        // Only a starved machine takes longer than the default.
        configuration.ainsTime = .seconds(30)
        configuration.ainsRest = .seconds(3600)
        if let routes {
            configuration.routes = [.init(try scratch.write(routes, to: "routes.toml"), isRequired: true)]
        }
        change(&configuration)
        return BenchedResolver(bench: self, service: service, resolver: try Resolver(configuration))
    }

    var trust: TrustStore { TrustStore(state: scratch.path.appending("state")) }

    static let key = Hex.encode([UInt8](repeating: 7, count: 32))
    static let otherKey = Hex.encode([UInt8](repeating: 8, count: 32))

    static func record(_ fields: String) -> StubService.Reply {
        .body("{\"status\":\"found\",\"domain\":\"bob.aint\",\"record\":{\"agent\":\"bob\",\(fields)}}")
    }
}

/// A resolver whose files and name service stay for as long as it is used.
struct BenchedResolver: Sendable {
    let bench: Bench
    let service: StubService?
    let resolver: Resolver

    func plan(for target: DeliveryTarget) async throws(CarrierError) -> RoutePlan {
        defer { withExtendedLifetime((bench, service)) {} }
        return try await resolver.plan(for: target)
    }

    func explain(_ target: DeliveryTarget) async -> Resolution {
        defer { withExtendedLifetime((bench, service)) {} }
        return await resolver.explain(target)
    }
}

@Suite("Resolving")
struct ResolverTests {
    @Test("Command line, directory, AINS and convention answer in this order, and nothing twice")
    func order() async throws {
        let bench = try Bench(builtIn: ["http", "https", "local", "scp", "mux", "ipoll"])
        let registry = StubService(Bench.record("\"public_key\":\"\(Bench.key)\""))
        let hub = "http://127.0.0.1:\(registry.port)"
        let service = StubService(
            Bench.record(
                "\"routes\":[{\"transport\":\"scp\",\"address\":\"t@b.example:/in\"}],\"endpoint\":\"http://e:1\","
                    + "\"i_poll\":\"\(hub)/api/ipoll\",\"public_key\":\"\(Bench.key)\",\"trust_score\":0.9,\"capabilities\":[\"push\"]"
            ))
        let resolver = try bench.resolver(
            service, routes: "[targets.\"b.example\"]\nroutes = [\"https://first:1\", \"http://e:1\"]"
        ) {
            $0.convention.muxServer = "http://mux:8000"
            $0.convention.namedMailboxes = ["mux"]
        }
        let resolution = await resolver.explain(DeliveryTarget("jis:acme:ci@b.example"))
        #expect(
            resolution.routes.map(\.route.address) == [
                "https://first:1", "http://e:1", "t@b.example:/in", "\(hub)#bob",
                "root@b.example:/var/lib/tibet/inbox", "http://b.example:8443", "http://mux:8000#b.example",
            ])
        let file = bench.scratch.path.appending("routes.toml").string
        let directory = RouteOrigin.directory(file: file, entry: "b.example")
        let ains = RouteOrigin.nameService(address: service.url, age: nil)
        #expect(
            resolution.routes.map(\.origin) == [
                directory, directory, ains, ains, .convention, .convention, .convention,
            ])
        #expect(resolution.passedOver.isEmpty)
        #expect(resolution.sources.map(\.name) == [.commandLine, .directory, .nameService, .convention])
        #expect(resolution.sources.map(\.outcome) == [.nothing, .answered, .answered, .answered])
        #expect(resolution.capabilities == ["push"])
        #expect(resolution.receiver?.name == "bob.aint")
        #expect(resolution.receiver?.trust == 0.9)
        #expect(resolution.failure == nil)
        #expect(service.paths == ["/api/ains/resolve/b.example"])
        #expect(registry.paths == ["/api/ains/resolve/bob"])
    }

    @Test("A server that the command line names is a route to a name's agent, also to a short name with its transport")
    func mailboxes() async throws {
        let bench = try Bench(builtIn: ["http", "https", "local", "scp", "mux", "ipoll"])
        let plain = try bench.resolver { $0.convention.namedMailboxes = ["ipoll"] }
        let named = try bench.resolver {
            $0.convention.ipollServer = "http://hub:8000"
            $0.convention.namedMailboxes = ["ipoll"]
        }
        func routes(_ resolver: BenchedResolver, _ name: String, _ transport: String?) async -> [String] {
            let target = DeliveryTarget(name, transport: transport, usesLookup: false)
            return await resolver.explain(target).routes.map(\.route.address)
        }
        #expect(await routes(named, "jis:acme:ci@bob.aint", nil) == ["http://hub:8000#bob"])
        #expect(await routes(named, "bob", "ipoll") == ["http://hub:8000#bob"])
        #expect(await routes(plain, "bob.aint", "ipoll") == ["http://localhost:8000#bob"])
        #expect(await routes(plain, "jis:acme:ci@bob.aint", nil).isEmpty)
    }

    @Test("A mailbox that nobody named is a route only when it is registered with the receiver's key")
    func unprovenMailboxes() async throws {
        let bench = try Bench(builtIn: ["http", "https", "local", "scp", "mux", "ipoll"])
        let hub = StubService { path in
            switch path {
            case "/api/ains/resolve/bob": Bench.record("\"public_key\":\"\(Bench.key)\",\"ttl\":0")
            case "/api/ains/resolve/eve": Bench.record("\"public_key\":\"\(Bench.otherKey)\",\"ttl\":0")
            case "/api/ains/resolve/bare": Bench.record("\"trust_score\":1,\"ttl\":0")
            default: .body("{\"status\":\"not_found\"}")
            }
        }
        let server = "http://127.0.0.1:\(hub.port)"
        for name in ["bob", "eve", "bare", "hots"] {
            try bench.trust.add(
                try Pin(kind: .ains, subject: "\(name).aint", key: Bench.key, reason: "test", source: "test"))
        }
        let resolver = try bench.resolver { $0.convention.ipollServer = server + "/api/ipoll" }
        func resolved(_ name: String) async -> Resolution {
            await resolver.explain(DeliveryTarget("jis:acme:builds@\(name)", transport: "ipoll"))
        }
        #expect(await resolved("bob.aint").routes.map(\.route.address) == [server + "#bob"])
        for (name, words) in [
            ("eve.aint", "is registered with another key"), ("bare.aint", "is registered without a key"),
            ("hots.aint", "is not registered"), ("other.aint", "no key of the receiver is known"),
        ] {
            let resolution = await resolved(name)
            #expect(resolution.routes.isEmpty, "\(name)")
            #expect(resolution.passedOver.last?.reason.contains(words) == true, "\(resolution.passedOver)")
            #expect(resolution.failure?.kind == .misconfigured)
            #expect(resolution.failure?.action == .waitForPerson)
        }
        // A server that cannot be asked may be able to tell later.
        hub.stop()
        let away = await (try bench.resolver { $0.convention.ipollServer = "http://127.0.0.1:9" })
            .explain(DeliveryTarget("bob.aint", transport: "ipoll"))
        #expect(away.routes.isEmpty)
        #expect(away.failure?.kind == .unreachable)
        #expect(away.failure?.isRetryable == true)
    }

    @Test("A name out of an envelope leads only where a directory or a name service says")
    func claimed() async throws {
        let bench = try Bench(builtIn: ["http", "https", "local", "scp", "mux", "ipoll"])
        var target = DeliveryTarget("jis:acme:ci@h.example:9")
        target.usesConvention = false
        let nothing = await (try bench.resolver { $0.convention.muxServer = "http://m" }).explain(target)
        #expect(nothing.routes.isEmpty)
        #expect(nothing.passedOver.isEmpty)
        #expect(nothing.sources.last?.outcome == .notAsked)
        #expect(nothing.failure?.kind == .misconfigured)
        let told = try bench.resolver(routes: "[targets.\"h.example\"]\nroutes = [\"https://h.example:1\"]")
        #expect(await told.explain(target).routes.map(\.route.address) == ["https://h.example:1"])
        #expect(try JSONDecoder().decode(DeliveryTarget.self, from: JSONEncoder().encode(target)) == target)
    }

    @Test("A way is taken as it is, and nobody is asked")
    func ways() async throws {
        let service = StubService(Bench.record("\"endpoint\":\"http://e:1\""))
        let resolver = try Bench().resolver(service)
        for (text, scheme) in [("http://h:1", "http"), ("u@h:/p", "scp"), ("./inbox", "local")] {
            let plan = try await resolver.plan(for: DeliveryTarget(text))
            #expect(plan.routes == [PlannedRoute(Route(scheme: scheme, address: text), origin: .commandLine)])
            #expect(plan.receiver == nil)
        }
        #expect(service.paths.isEmpty)
    }

    @Test("What cannot be carried is passed over, and said so")
    func passedOver() async throws {
        let resolver = try Bench(builtIn: ["http", "https", "local"]).resolver()
        let resolution = await resolver.explain(DeliveryTarget("jis:a:b@h.example"))
        #expect(resolution.routes.map(\.route.scheme) == ["http"])
        #expect(resolution.passedOver.map(\.planned.route.scheme) == ["scp"])
        #expect(resolution.passedOver.first?.reason == "there is no carrier for 'scp'")
        let none = await (try Bench(builtIn: []).resolver()).explain(DeliveryTarget("jis:a:b@h.example"))
        #expect(none.failure?.kind == .misconfigured)
        #expect(none.failure?.action == .waitForPerson)
    }

    @Test("A transport that is insisted on leaves only its routes")
    func insisted() async throws {
        let service = StubService(
            Bench.record(
                "\"routes\":[\"https://e:1\",{\"transport\":\"rclone\",\"address\":\"r:in\"},{\"transport\":\"mux\",\"address\":\"http://m#bob\"}]"
            ))
        let bench = try Bench()
        let resolver = try bench.resolver(service) { $0.carriers.reasonAgainst = { $0 == "rclone" ? nil : "none" } }
        func addresses(_ transport: String?) async throws -> [String] {
            try await resolver.plan(for: DeliveryTarget("jis:a:b@h.example", transport: transport)).routes
                .map(\.route.address)
        }
        #expect(try await addresses("http") == ["https://e:1", "http://h.example:8443"])
        #expect(try await addresses("https") == ["https://e:1", "https://h.example:8443"])
        #expect(try await addresses("scp") == ["root@h.example:/var/lib/tibet/inbox"])
        #expect(try await addresses("rclone") == ["r:in"])
        #expect(
            try await addresses(nil) == ["https://e:1", "root@h.example:/var/lib/tibet/inbox", "http://h.example:8443"])
        await #expect(throws: CarrierError.self) { try await addresses("pigeon") }
    }

    @Test("A name service can name neither directories of this machine nor programs")
    func noLocalRoutes() async throws {
        let service = StubService(
            Bench.record(
                "\"routes\":[\"/etc/cron.d\",{\"transport\":\"local\",\"address\":\"/etc\"},{\"transport\":\"rclone\",\"address\":\"x\"}]"
            ))
        let resolver = try Bench().resolver(service) { $0.carriers.reasonAgainst = { _ in nil } }
        let resolution = await resolver.explain(DeliveryTarget("bob.aint"))
        #expect(resolution.routes.isEmpty)
        #expect(resolution.passedOver.count == 3)
        #expect(resolution.failure?.kind == .misconfigured)
    }

    @Test("A port in the name belongs to the transport, and addresses are written as they must be")
    func ports() async throws {
        let resolver = try Bench().resolver()
        func addresses(_ text: String, _ transport: String? = nil) async throws -> [String] {
            try await resolver.plan(for: DeliveryTarget(text, transport: transport)).routes.map(\.route.address)
        }
        #expect(
            try await addresses("jis:a:b@[2001:db8::1]:99") == [
                "root@[2001:db8::1]:/var/lib/tibet/inbox", "http://[2001:db8::1]:99",
            ])
        #expect(
            try await addresses("jis:a:b@h.example:99", "scp") == ["scp://root@h.example:99/var/lib/tibet/inbox"])
    }

    @Test("An .aint name is found by directories and AINS only")
    func aint() async throws {
        let resolver = try Bench().resolver()
        let resolution = await resolver.explain(DeliveryTarget("jis:a:b@bob.aint"))
        #expect(resolution.routes.isEmpty)
        #expect(resolution.passedOver.count == 2)
        #expect(resolution.failure != nil)
        let service = StubService(Bench.record("\"endpoint\":\"http://e:1\""))
        for text in ["jis:a:b@bob.aint", "bob.aint", "bob", "Bob.AINT"] {
            let plan = try await Bench().resolver(service).plan(for: DeliveryTarget(text))
            #expect(plan.routes.map(\.route.address) == ["http://e:1"])
        }
        #expect(Set(service.paths) == ["/api/ains/resolve/bob"])
    }

    @Test("A record under somebody else's name does not rename the receiver")
    func otherName() async throws {
        let service = StubService(.body("{\"domain\":\"mallory.aint\",\"endpoint\":\"http://e:1\"}"))
        let plan = try await (try Bench().resolver(service)).plan(for: DeliveryTarget("bob.aint"))
        #expect(plan.receiver?.name == "bob.aint")
        #expect(plan.notices.contains { $0.contains("mallory.aint") })
    }

    @Test("Without an address of AINS, or when told not to, nobody is asked")
    func noLookup() async throws {
        let service = StubService(Bench.record("\"status\":\"revoked\""))
        let resolver = try Bench().resolver(service)
        let target = DeliveryTarget("jis:a:b@h.example", usesLookup: false)
        let resolution = await resolver.explain(target)
        #expect(resolution.failure == nil)
        #expect(resolution.sources[2].outcome == .notAsked)
        #expect(service.paths.isEmpty)
        let other = await (try Bench().resolver()).explain(DeliveryTarget("jis:a:b@h.example"))
        #expect(other.sources[2].outcome == .notAsked)
        #expect(other.failure == nil)
    }

    @Test("A mistake in a file of routes stops everything")
    func brokenFile() async throws {
        let resolver = try Bench().resolver(routes: "[targets.\"h.example\"]\nroutse = []")
        let resolution = await resolver.explain(DeliveryTarget("jis:a:b@h.example"))
        #expect(resolution.failure?.kind == .misconfigured)
        #expect(resolution.failure?.explanation.contains("routes.toml:2") == true)
    }

    @Test(
        "An address of AINS that is none is refused at once",
        arguments: ["", "ftp://h", "h", "http://", "http://h/?x=", "http://h/\n"])
    func badAddress(url: String) throws {
        let bench = try Bench()
        let error = #expect(throws: CarrierError.self) { try bench.resolver { $0.ainsURL = url } }
        #expect(error?.kind == .misconfigured)
    }
}

@Suite("Trust in a target")
struct TargetTrustTests {
    private func failure(
        _ fields: String, minimum: Double?, usesLookup: Bool = true, transport: String? = nil
    ) async throws -> CarrierError? {
        let service = StubService(Bench.record("\"endpoint\":\"http://e:1\"" + fields))
        let resolver = try Bench().resolver(service)
        return await resolver.explain(
            DeliveryTarget(
                "jis:a:b@h.example", transport: transport, minimumTrust: minimum, usesLookup: usesLookup)
        ).failure
    }

    @Test("A score below the least is refused, on every transport; an equal one passes")
    func scores() async throws {
        for transport in [nil, "http", "scp"] {
            let error = try await failure(",\"trust_score\":0.49", minimum: nil, transport: transport)
            #expect(error?.kind == .refused)
            #expect(error?.action == .waitForPerson)
            #expect(error?.explanation.contains("0.49") == true)
            #expect(error?.explanation.contains("0.5") == true)
        }
        #expect(try await failure(",\"trust_score\":0.5", minimum: nil) == nil)
        #expect(try await failure(",\"trust_score\":0.2", minimum: 0.2) == nil)
        #expect(try await failure(",\"trust_score\":0.9", minimum: 0.95)?.kind == .refused)
        #expect(try await failure(",\"trust_score\":1", minimum: 1) == nil)
    }

    @Test("Without a score there is nothing to compare, unless somebody asked for it")
    func noScore() async throws {
        #expect(try await failure("", minimum: nil) == nil)
        #expect(try await failure("", minimum: 0)?.kind == .refused)
        #expect(try await failure(",\"trust_score\":0.1", minimum: nil, usesLookup: false) == nil)
        #expect(try await failure(",\"trust_score\":0.9", minimum: 0.5, usesLookup: false)?.kind == .refused)
        let down = StubService(.raw(""))
        let resolver = try Bench().resolver(down)
        let error = await resolver.explain(DeliveryTarget("jis:a:b@h.example", minimumTrust: 0.5)).failure
        #expect(error?.kind == .unreachable)
        #expect(error?.isRetryable == true)
    }

    @Test("What somebody wrote into routes.toml goes before what AINS says")
    func configured() async throws {
        let service = StubService(Bench.record("\"endpoint\":\"http://e:1\",\"trust_score\":0.1"))
        let resolver = try Bench().resolver(service, routes: "[targets.\"h.example\"]\ntrust = 0.8")
        let resolution = await resolver.explain(DeliveryTarget("jis:a:b@h.example"))
        #expect(resolution.failure == nil)
        #expect(resolution.receiver?.trust == 0.8)
    }

    @Test("A revoked or suspended receiver is refused, whatever else is known", arguments: ["revoked", "Suspended"])
    func standing(status: String) async throws {
        let service = StubService(Bench.record("\"status\":\"\(status)\",\"trust_score\":1"))
        let resolver = try Bench().resolver(
            service, routes: "[targets.\"h.example\"]\nroutes = [\"http://e:1\"]\ntrust = 1")
        let error = await resolver.explain(DeliveryTarget("jis:a:b@h.example")).failure
        #expect(error?.kind == .refused)
        #expect(error?.explanation.contains(status.lowercased()) == true)
    }
}

@Suite("Keys of a target")
struct TargetKeyTests {
    let target = DeliveryTarget("jis:a:b@bob.aint")

    private func service(_ key: String) -> StubService.Reply {
        Bench.record("\"endpoint\":\"http://e:1\",\"ttl\":0" + (key.isEmpty ? "" : ",\"public_key\":\"\(key)\""))
    }

    @Test("The key that is seen first is pinned by sending, and by nothing else")
    func firstSeen() async throws {
        let bench = try Bench()
        let service = StubService(service("ed25519:" + Bench.key))
        let resolution = await (try bench.resolver(service)).explain(target)
        #expect(resolution.keyStanding == .new)
        #expect(try bench.trust.pins().isEmpty)
        let plan = try await bench.resolver(service).plan(for: target)
        #expect(plan.receiver?.key?.hex == Bench.key)
        #expect(plan.receiver?.name == "bob.aint")
        let pin = try #require(try bench.trust.pins().first)
        #expect(pin.kind == .ains)
        #expect(pin.subject == "bob.aint")
        #expect(pin.key == Bench.key)
        #expect(pin.reason == "first seen")
        #expect(pin.source == "AINS at \(service.url)")
        #expect(await (try bench.resolver(service)).explain(target).keyStanding == .pinned)
    }

    @Test("A key that changed stops everything, with both fingerprints, until a person rotates it")
    func changed() async throws {
        let bench = try Bench()
        let stub = StubService(service(Bench.key))
        _ = try await bench.resolver(stub).plan(for: target)
        stub.change(service(Bench.otherKey))
        let resolver = try bench.resolver(stub)
        let error = await #expect(throws: CarrierError.self) { try await resolver.plan(for: target) }
        #expect(error?.kind == .hostKeyChanged)
        #expect(error?.action == .waitForPerson)
        for key in [Bench.key, Bench.otherKey] {
            #expect(error?.explanation.contains("SHA256:" + PublicKey(hex: key)!.fingerprint.hex) == true)
        }
        #expect(error?.remedy?.contains("tcd trust rotate ains bob.aint \(Bench.otherKey)") == true)
        // The short name is the same receiver.
        await #expect(throws: CarrierError.self) { try await resolver.plan(for: DeliveryTarget("bob")) }
        try bench.trust.rotate(.ains, "bob.aint", to: Bench.otherKey, reason: "asked", source: "telephone")
        #expect(try await resolver.plan(for: target).receiver?.key?.hex == Bench.otherKey)
    }

    @Test("A record that lost its key does not get rid of the pin")
    func stripped() async throws {
        let bench = try Bench()
        let stub = StubService(service(Bench.key))
        _ = try await bench.resolver(stub).plan(for: target)
        stub.change(service(""))
        let plan = try await bench.resolver(stub).plan(for: target)
        #expect(plan.receiver?.key?.hex == Bench.key)
        #expect(plan.notices.contains { $0.contains("pinned") })
    }

    @Test("Nor does a record that is gone, a service that is down, or nobody being asked")
    func withoutRecord() async throws {
        let bench = try Bench()
        let target = DeliveryTarget("jis:a:b@h.example")
        let stub = StubService(service(Bench.key))
        _ = try await bench.resolver(stub).plan(for: target)
        stub.change(.answer(404, [], ""))
        for resolver in [try bench.resolver(stub), try bench.resolver(), try bench.resolver(StubService(.raw("")))] {
            let plan = try await resolver.plan(for: target)
            #expect(plan.receiver?.key?.hex == Bench.key)
            #expect(plan.receiver?.name == "jis:a:b@h.example")
            #expect(plan.notices.contains { $0.contains("pinned since") })
        }
        #expect(try await bench.resolver().plan(for: DeliveryTarget("jis:a:b@other.example")).receiver == nil)
    }

    @Test("A key in routes.toml counts as pinned")
    func configured() async throws {
        let bench = try Bench()
        let routes = "[targets.\"bob.aint\"]\nroutes = [\"http://e:2\"]\nkey = \"\(Bench.key)\""
        let same = try bench.resolver(StubService(service(Bench.key)), routes: routes)
        let resolution = await same.explain(target)
        #expect(resolution.keyStanding == .configured)
        #expect(resolution.receiver?.key?.hex == Bench.key)
        let other = try bench.resolver(StubService(service(Bench.otherKey)), routes: routes)
        #expect(await other.explain(target).failure?.kind == .hostKeyChanged)
        #expect(try bench.trust.pins().isEmpty)
    }

    @Test("Pins that cannot be read stop everything")
    func unreadable() async throws {
        let bench = try Bench()
        let stub = StubService(service(Bench.key))
        _ = try await bench.resolver(stub).plan(for: target)
        _ = try bench.scratch.write("{", to: "state/trust/pins.json")
        #expect(await (try bench.resolver(stub)).explain(target).failure?.kind == .misconfigured)
    }
}
