import Testing

@testable import Fabric

/// The decisions alone: values in, values out.
@Suite("The outbox decides")
struct DecisionTests {
    static let now: Int64 = 1_800_000_000_000

    private func candidate(
        _ address: String, _ change: (inout RouteCandidate) -> Void = { _ in }
    ) -> RouteCandidate {
        var candidate = RouteCandidate(
            planned: fakeRoutes(address)[0],
            traits: CarrierTraits(
                strongestReceipt: .stored, largestEnvelope: nil, inFlight: 1, publishesAtomically: true))
        change(&candidate)
        return candidate
    }

    private func order(
        _ candidates: [RouteCandidate], wanted: WantedReceipt = .accepted, isUrgent: Bool = false
    ) -> RouteOrder {
        RouteOrder(
            candidates, for: RouteOrder.Demand(size: 1000, wanted: wanted, now: Self.now, isUrgent: isUrgent))
    }

    private func addresses(_ order: RouteOrder) -> [String] { order.choices.map(\.planned.route.address) }

    @Test("Preference decides, until a host failed lately or is slow")
    func preference() {
        #expect(addresses(order([candidate("a"), candidate("b"), candidate("c")])) == ["a", "b", "c"])
        let failed = candidate("a") { $0.health = HostHealth(failures: 1, lastFailure: Self.now - 1000) }
        #expect(addresses(order([failed, candidate("b")])) == ["b", "a"])
        let long = candidate("a") { $0.health = HostHealth(failures: 1, lastFailure: Self.now - 3_600_000) }
        #expect(addresses(order([long, candidate("b")])) == ["a", "b"])
        let slow = candidate("a") { $0.health.latency = 9000 }
        let quick = candidate("b") { $0.health.latency = 90 }
        #expect(addresses(order([slow, quick])) == ["b", "a"])
        let rather = candidate("a") { $0.health.latency = 300 }
        #expect(addresses(order([rather, quick])) == ["a", "b"])
    }

    @Test("What cannot promise enough comes last, and comes all the same")
    func strength() {
        let weak = candidate("a") { $0.traits?.strongestReceipt = .accepted }
        #expect(addresses(order([weak, candidate("b")], wanted: .stored)) == ["b", "a"])
        #expect(addresses(order([weak, candidate("b")], wanted: .accepted)) == ["a", "b"])
        #expect(addresses(order([weak, candidate("b")], wanted: .acknowledged)) == ["a", "b"])
        #expect(addresses(order([weak], wanted: .verified)) == ["a"])
    }

    @Test("What cannot work is left out, with its reason")
    func skips() {
        let small = candidate("a") { $0.traits?.largestEnvelope = 999 }
        let fitting = candidate("b") { $0.traits?.largestEnvelope = 1000 }
        let unknown = candidate("c") { $0.traits = nil }
        let result = order([small, fitting, unknown])
        #expect(addresses(result) == ["b"])
        #expect(result.skipped.map(\.skip) == [.tooLarge(limit: 999), .noCarrier(scheme: "fake")])
    }

    @Test("What rests is left alone until its time, unless somebody waits")
    func resting() {
        let standing = RouteStanding(
            route: fakeRoutes("a")[0].route, failures: 1, notBefore: Timestamp(milliseconds: Self.now + 1),
            isRuledOut: false, reason: "away")
        let resting = candidate("a") { $0.standing = standing }
        #expect(order([resting]).skipped.map(\.skip) == [.resting(until: Self.now + 1, reason: "away")])
        #expect(addresses(order([resting], isUrgent: true)) == ["a"])
        let ruledOut = candidate("a") {
            $0.standing = RouteStanding(
                route: standing.route, failures: 1, notBefore: nil, isRuledOut: true, reason: "no")
        }
        #expect(addresses(order([ruledOut], isUrgent: true)) == [])
    }

    @Test("A host that was away five times is left alone, then tried once, then like any other")
    func circuit() {
        let rules = CircuitRules()
        var health = HostHealth()
        for _ in 0..<4 { health.failed(.stalled, at: Self.now, rules: rules, jitter: 0) }
        #expect(health.gate(at: Self.now, rules: rules) == .closed)
        health.failed(.unreachable, at: Self.now, rules: rules, jitter: 0)
        #expect(health.gate(at: Self.now, rules: rules) == .open(until: Self.now + 15_000))
        #expect(order([candidate("a") { $0.health = health }]).skipped.map(\.skip.until) == [Self.now + 15_000])
        #expect(order([candidate("a") { $0.health = health }], isUrgent: true).choices.map(\.isTrial) == [true])

        var later = health
        #expect(later.gate(at: Self.now + 15_000, rules: rules) == .trial)
        later.beginTrial(at: Self.now + 15_000, rules: rules)
        #expect(later.gate(at: Self.now + 15_001, rules: rules) == .open(until: Self.now + 75_000))
        var failed = later
        failed.failed(.unreachable, at: Self.now + 16_000, rules: rules, jitter: 0.999)
        #expect(failed.gate(at: Self.now + 16_000, rules: rules) == .open(until: Self.now + 16_000 + 59_970))
        later.succeeded(after: 50)
        #expect(later.gate(at: Self.now + 16_000, rules: rules) == .closed)
        #expect(later.latency == 50)
    }

    @Test("A host that says no is there")
    func refusals() {
        var health = HostHealth(failures: 4, lastFailure: Self.now)
        health.failed(.cancelled, at: Self.now, rules: CircuitRules(), jitter: 0)
        #expect(health.failures == 4)
        health.failed(.refused, at: Self.now, rules: CircuitRules(), jitter: 0)
        #expect(health.failures == 0)
    }

    @Test("Rests grow to an hour, spread out, and heed what the far side wishes")
    func backOff() {
        let backOff = BackOff()
        #expect(backOff.rest(after: 1, wish: nil, jitter: 0) == 5000)
        #expect(backOff.rest(after: 1, wish: nil, jitter: 0.5) == 7500)
        #expect(backOff.rest(after: 3, wish: nil, jitter: 0.5) == 22_500)
        #expect(backOff.rest(after: 60, wish: nil, jitter: 0) == 5000)
        #expect(backOff.rest(after: 60, wish: nil, jitter: 0.999_999) > 3_599_000)
        #expect(backOff.rest(after: 60, wish: nil, jitter: 0.999_999) <= 3_600_000)
        #expect(backOff.rest(after: 1, wish: .seconds(120), jitter: 0.5) == 122_500)
        #expect(backOff.rest(after: 1, wish: .seconds(1_000_000), jitter: 0) == 86_400_000)
    }

    /// The end of a walk over routes that answer like this.
    private func end(_ answers: [(String, CarrierError.Kind, CarrierError.Remedy)]) -> (DeliveryWalk.Ending?, [String])
    {
        var walk = DeliveryWalk(order(answers.map { candidate($0.0) }), backOff: BackOff())
        var tried: [String] = []
        while case .attempt(let choice) = walk.next() {
            let route = choice.planned.route
            tried.append(route.address)
            guard let answer = answers.first(where: { $0.0 == route.address }) else { break }
            _ = walk.failed(
                route, CarrierError(answer.1, answer.2, answer.0), standing: nil, now: Self.now, jitter: 0)
        }
        guard case .end(let ending) = walk.next() else { return (nil, tried) }
        return (ending, tried)
    }

    @Test("What follows when no route came through")
    func endings() {
        let retry = CarrierError.Remedy.retry(after: nil)
        #expect(
            end([("a", .unreachable, retry), ("b", .refused, .tryNextRoute)])
                == (.again(at: Self.now + 5000, reason: "b"), ["a", "b"]))
        #expect(
            end([("a", .refused, .waitForPerson), ("b", .stalled, .retry(after: .seconds(9)))])
                == (.again(at: Self.now + 9000, reason: "b"), ["a", "b"]))
        #expect(
            end([("a", .refused, .waitForPerson), ("b", .refused, .tryNextRoute)]) == (.hold(reason: "b"), ["a", "b"]))
        #expect(end([("a", .hostKeyChanged, .waitForPerson), ("b", .stalled, retry)]) == (.hold(reason: "a"), ["a"]))
        #expect(end([("a", .corrupted, .giveUp), ("b", .stalled, retry)]) == (.quarantine(reason: "a"), ["a"]))
        // What a proxy can have answered rests; what the far side said of this envelope rules the route out.
        for kind in [CarrierError.Kind.misconfigured, .corrupted, .unreachable] {
            #expect(end([("a", kind, .tryNextRoute)]) == (.again(at: Self.now + 5000, reason: "a"), ["a"]))
        }
        for kind in [CarrierError.Kind.tooLarge(limit: 1), .conflict, .refused] {
            #expect(end([("a", kind, .tryNextRoute)]) == (.hold(reason: "a"), ["a"]))
        }
        #expect(end([("a", .cancelled, retry), ("b", .stalled, retry)]) == (.cancelled, ["a"]))
        #expect(end([]) == (.hold(reason: "no route leads there"), []))
    }

    @Test("A plan that cannot be made")
    func plans() {
        func ending(_ kind: CarrierError.Kind, _ action: CarrierError.Remedy) -> DeliveryWalk.Ending {
            DeliveryWalk.ending(
                ofPlan: CarrierError(kind, action, "why"), failures: 2, now: Self.now, backOff: BackOff(), jitter: 0.5)
        }
        #expect(ending(.unreachable, .retry(after: nil)) == .again(at: Self.now + 12_500, reason: "why"))
        #expect(ending(.misconfigured, .waitForPerson) == .hold(reason: "why"))
        #expect(ending(.misconfigured, .tryNextRoute) == .hold(reason: "why"))
        #expect(ending(.misconfigured, .giveUp) == .quarantine(reason: "why"))
        #expect(ending(.cancelled, .retry(after: nil)) == .cancelled)
    }

    @Test(
        "The host of a route",
        arguments: [
            ("https", "https://user@Example.org:8443/inbox", "https example.org:8443"),
            ("http", "http://[::1]:80?x", "http [::1]:80"), ("scp", "alice@host.example:/srv/in", "scp host.example"),
            ("scp", "scp://alice@host.example:22/srv", "scp host.example:22"),
            ("scp", "root@[2001:db8::1]:/inbox", "scp [2001:db8::1]"), ("scp", "[2001:DB8::2]:in", "scp [2001:db8::2]"),
            ("scp", "scp://u@[2001:db8::1]:2222/x", "scp [2001:db8::1]:2222"), ("scp", "a@b@host:x@y:/z", "scp host"),
            ("scp", "host:/a@[b]:c", "scp host"), ("mux", "http://Hub:8000#bob", "mux hub:8000"),
            ("local", "/srv/in:x", "local /srv/in:x"), ("rclone", "shared:in", "rclone shared"),
            ("rclone", "Shared", "rclone Shared"),
        ])
    func hosts(scheme: String, address: String, host: String) {
        #expect(Route(scheme: scheme, address: address).host == host)
    }

    @Test(
        "The place that is pinned for a route",
        arguments: [
            ("http", "http://H.example/inbox", "h.example:80"), ("https", "https://h.example", "h.example:443"),
            ("https", "https://h.example:8443/#x", "h.example:8443"), ("scp", "u@h.example:/in", "h.example:22"),
            ("scp", "scp://u@[2001:db8::1]:2222/x", "[2001:db8::1]:2222"),
            ("scp", "u@[2001:db8::1]:/x", "[2001:db8::1]:22"),
            ("ipoll", "http://hub:8000/api#Bob", "hub:8000#bob"), ("mux", "https://hub#bob", "hub:443#bob"),
            ("rclone", "shared:in", "rclone shared:in"),
        ])
    func places(scheme: String, address: String, place: String) {
        #expect(Route(scheme: scheme, address: address).place == place)
    }

    @Test("A dead owner is told from a living one")
    func owners() throws {
        let own = LeaseOwner.fresh()
        #expect(!own.isDead)
        #expect(LeaseOwner(own.text) == own)
        #expect(LeaseOwner("nonsense") == nil)
        func changed(boot: String? = nil, namespace: String? = nil, start: String? = nil) -> LeaseOwner {
            LeaseOwner(
                boot: boot ?? own.boot, namespace: namespace ?? own.namespace, process: own.process,
                start: start ?? own.start, token: own.token)
        }
        #expect(changed(start: "1").isDead)
        #expect(changed(boot: "another").isDead)
        // Nobody here can see into another namespace: only its lease can end.
        #expect(!changed(namespace: "1", start: "1").isDead)
    }
}
