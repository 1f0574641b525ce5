import Fabric
import Foundation
import Resolver
import SystemPackage
import Testing

@Suite("A name service that fails")
struct NameServiceTests {
    let target = DeliveryTarget("jis:a:b@h.example")
    let good = Bench.record("\"endpoint\":\"http://e:1\"")

    @Test("Answers are asked for once in their lifetime, also by the next process")
    func cached() async throws {
        let bench = try Bench()
        let stub = StubService(good)
        for _ in 0..<3 {
            let plan = try await bench.resolver(stub).plan(for: target)
            #expect(plan.routes.first?.route.address == "http://e:1")
        }
        #expect(stub.paths.count == 1)
    }

    @Test("An absence is remembered too")
    func absent() async throws {
        for reply in [
            StubService.Reply.body("{\"status\":\"not_found\"}"), .answer(404, [], "nothing"), .answer(410, [], ""),
        ] {
            let bench = try Bench()
            let stub = StubService(reply)
            for _ in 0..<2 {
                let resolution = await (try bench.resolver(stub)).explain(target)
                #expect(resolution.sources[2].outcome == .nothing)
                #expect(resolution.failure == nil)
                #expect(resolution.notices.isEmpty)
            }
            #expect(stub.paths.count == 1)
            let short = await (try bench.resolver(stub)).explain(DeliveryTarget("bob"))
            #expect(short.failure?.kind == .misconfigured)
        }
    }

    @Test("What may not be stored is asked for each time")
    func notStored() async throws {
        let bench = try Bench()
        let stub = StubService(.answer(200, ["Cache-Control: no-store"], "{\"endpoint\":\"http://e:1\"}"))
        for _ in 0..<2 { _ = try await bench.resolver(stub).plan(for: target) }
        #expect(stub.paths.count == 2)
        #expect(bench.scratch.names("state/ains-cache").isEmpty)
    }

    @Test("An old record serves while the service is down, and the plan says so")
    func stale() async throws {
        let bench = try Bench()
        let stub = StubService(.answer(200, ["Cache-Control: max-age=0"], "{\"endpoint\":\"http://e:1\"}"))
        let fresh = await (try bench.resolver(stub)).explain(target)
        #expect(fresh.sources[2].outcome == .answered, "\(fresh.sources[2].detail)")
        for reply in [StubService.Reply.answer(503, [], "busy"), .raw(""), .body("nonsense")] {
            stub.change(reply)
            let plan = try await bench.resolver(stub).plan(for: target)
            #expect(plan.routes.first?.route.address == "http://e:1")
            #expect(plan.notices.contains { $0.contains("using its record of") })
            guard case .nameService(_, let age?) = plan.routes.first?.origin else {
                Issue.record("the age is not told")
                continue
            }
            #expect(age >= 0)
        }
        // An absence is an answer: the old record is not used against it.
        stub.change(.answer(404, [], ""))
        #expect(try await bench.resolver(stub).plan(for: target).routes.first?.origin == .convention)
    }

    @Test("A revocation in an old record still counts")
    func staleRevocation() async throws {
        let bench = try Bench()
        let stub = StubService(Bench.record("\"status\":\"revoked\",\"ttl\":0"))
        _ = await (try bench.resolver(stub)).explain(target)
        stub.change(.raw(""))
        #expect(await (try bench.resolver(stub)).explain(target).failure?.kind == .refused)
    }

    @Test("After a failure one process leaves the service alone for a while, and the next asks again")
    func rests() async throws {
        let bench = try Bench()
        let stub = StubService(.answer(500, [], ""))
        let resolver = try bench.resolver(stub)
        for name in ["a.example", "b.example", "c.example"] {
            let resolution = await resolver.explain(DeliveryTarget("jis:a:b@\(name)"))
            #expect(resolution.sources[2].outcome == .failed)
        }
        #expect(stub.paths.count == 1)
        _ = await (try bench.resolver(stub)).explain(target)
        #expect(stub.paths.count == 2)
    }

    @Test(
        "The reason is told as it is",
        arguments: [
            (hostileReply("too large"), "more than 262144 bytes"),
            (hostileReply("without end"), "more than 262144 bytes"),
            (hostileReply("elsewhere"), "is not followed"), (hostileReply("ill"), "status 500"),
            (hostileReply("a page"), "no JSON object"), (hostileReply("an error"), "answers with an error"),
            (hostileReply("speaks something else"), "does not speak HTTP"),
            (hostileReply("cut in the body"), "the connection broke"),
        ])
    func reasons(reply: StubService.Reply, words: String) async throws {
        let resolution = await (try Bench().resolver(StubService(reply))).explain(target)
        #expect(resolution.sources[2].detail.contains(words), "\(resolution.sources[2].detail)")
    }

    static func hostileReply(_ name: String) -> StubService.Reply {
        hostile.first { $0.0 == name }?.1 ?? .raw("")
    }

    static let hostile: [(String, StubService.Reply)] = [
        ("closes at once", .raw("")), ("speaks something else", .raw("SSH-2.0-x\r\n")),
        ("cut in the head", .raw("HTTP/1.1 200 OK\r\nContent-Le")),
        ("cut in the body", .raw("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"endpoint\":\"http://e:1\"")),
        ("cut, without a length", .raw("HTTP/1.0 200 OK\r\n\r\n{\"endpoint\":\"http://e:1\"")),
        ("an empty body", .body("")), ("a page", .answer(200, ["Content-Type: text/html"], "<html>")),
        ("a list", .body("[]")), ("deep", .body(String(repeating: "[", count: 200_000))),
        ("deep objects", .body(String(repeating: "{\"record\":", count: 20_000))),
        ("too large", .body("{\"x\":\"" + String(repeating: "a", count: 300_000) + "\"}")),
        ("without end", .flood),
        ("a huge header", .answer(200, ["X: " + String(repeating: "a", count: 200_000)], "{}")),
        ("elsewhere", .answer(302, ["Location: http://127.0.0.1:1/\u{7}"], "")),
        ("not allowed", .answer(401, [], "{\"endpoint\":\"http://e:1\"}")), ("ill", .answer(500, [], "{}")),
        ("an error", .body("{\"error\":\"\\u001b[2Jno\"}")),
        ("not UTF-8", .raw("HTTP/1.0 200 OK\r\n\r\n{\"a\":\"\u{0}\"}")),
    ]

    @Test("No answer hurts: the convention is used, and one line says why", arguments: hostile.indices)
    func hurtsNobody(index: Int) async throws {
        let (name, reply) = Self.hostile[index]
        let service = StubService(reply)
        let resolution = await (try Bench().resolver(service)).explain(target)
        #expect(service.paths.count >= 1, "\(name)")
        #expect(resolution.failure == nil, "\(name)")
        #expect(resolution.sources[2].outcome == .failed, "\(name)")
        #expect(resolution.routes.allSatisfy { $0.origin == .convention }, "\(name)")
        #expect(resolution.notices.count == 1, "\(name)")
        for line in resolution.notices + resolution.sources.map(\.detail) {
            #expect(!line.unicodeScalars.contains { $0.properties.generalCategory == .control }, "\(name)")
        }
    }

    @Test(
        "Who never answers, or never ends, is given up in time", .timeLimit(.minutes(1)),
        arguments: ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"])
    func slow(text: String) async throws {
        let resolver = try Bench().resolver(StubService(.silence(text))) { $0.ainsTime = .milliseconds(200) }
        let resolution = await resolver.explain(target)
        #expect(resolution.sources[2].detail.contains("did not answer within"))
        #expect(resolution.failure == nil)
    }

    @Test("When nobody listens and nothing else is known, a later try can help")
    func down() async throws {
        let stub = StubService(good)
        stub.stop()
        let error = await (try Bench().resolver(stub)).explain(DeliveryTarget("bob.aint")).failure
        #expect(error?.kind == .unreachable)
        #expect(error?.isRetryable == true)
    }
}
