import CarrierIPoll
import Fabric
import Foundation
import HubClient
import Testing

/// What the message client asks, and what it makes of answers.
@Suite("I-Poll client")
struct ClientTests {
    private func client(
        _ server: StubServer, as name: String = "alice", configuration: IPollConfiguration = IPollConfiguration()
    ) throws -> IPollClient {
        try IPollClient(
            server: HubAddress(parsing: server.url), agent: try #require(HubAgent(name)), configuration: configuration)
    }

    /// The members of an object as texts, by key.
    private func flat(_ object: JSONObject?) -> [String: String] {
        Dictionary(uniqueKeysWithValues: (object?.members ?? []).map { ($0.key, $0.value.text(.sortedPython)) })
    }

    @Test("A push has the keys of the peers' clients, and no others")
    func push() async throws {
        let server = StubServer { _ in .json(["id": "m9", "status": "pending", "delivery": "local"]) }
        let bob = try #require(HubAgent(" Bob.AINT "))
        let receipt = try await client(server).push(
            OutgoingPoll(to: bob, "do", type: .task, metadata: ["a": 1], session: "s"))
        #expect(receipt.id == "m9" && receipt.status == "pending" && receipt.delivery == "local")
        let recorded = try #require(try RecordedCall.first("ainternet", "IPoll.task('bob','do'"))
        let (request, theirs) = (try #require(server.requests.first), try #require(recorded.requests.first))
        #expect(request.method == theirs["method"]?.text && request.target == theirs["path"]?.text)
        #expect(flat(request.json?.object) == flat(theirs["json"]?.object))
        #expect(request.headers["content-type"] == "application/json")
    }

    @Test("Reading, answering, registering and asking are the requests of the peers' clients")
    func requests() async throws {
        let server = StubServer { request in
            .json(["polls": [], "status": "online", "original_id": "m1", "response_id": "m3", "agent": "bob"])
        }
        let client = try client(server)
        _ = try await client.pull(markRead: false)
        _ = try await client.respond(to: "m1", with: "ok")
        _ = try await client.history(session: "s")
        _ = try await client.register(description: "d")
        _ = try await client.resolve(try #require(HubAgent("bob")))
        let asked = server.requests.map { "\($0.method) \($0.target)" }
        // `limit` is of the pages, and ignored by servers that do not know it.
        #expect(
            asked == [
                "GET /api/ipoll/pull/alice?mark_read=false&limit=50", "POST /api/ipoll/respond",
                "GET /api/ipoll/history?limit=20&include_archived=false&agent=alice&session_id=s",
                "POST /api/ipoll/register", "GET /api/ipoll/resolve/bob",
            ])
        for (index, call) in [(1, "IPoll.respond('m1','ok')"), (3, "IPoll.register('d')")] {
            let theirs = try #require(try RecordedCall.first("ainternet", call)?.requests.first)
            #expect(flat(server.requests[index].json?.object) == flat(theirs["json"]?.object))
        }
        let history = try #require(try RecordedCall.first("ainternet", "IPoll.history")?.requests.first)
        #expect(asked[2].hasSuffix(history["path"]?.text ?? "missing"))
    }

    @Test("mark_read is always said, and always with the truth", arguments: [true, false])
    func markRead(marks: Bool) async throws {
        let server = StubServer { _ in .json(["polls": [], "status": "ok"]) }
        _ = try await client(server).pull(markRead: marks)
        #expect(server.requests.last?.target.contains("mark_read=\(marks)&") == true)
    }

    @Test("Every request says who asks: a name of the program, a token, a signature")
    func identification() async throws {
        let server = StubServer { _ in .json(["polls": []]) }
        let key = try SigningKey.generate()
        var configuration = IPollConfiguration(signingKey: key)
        configuration.bearerToken = String(repeating: "ab", count: 32)
        configuration.userAgent = "tcd/1"
        _ = try await client(server, configuration: configuration).pull(markRead: false)
        let request = try #require(server.requests.first)
        #expect(request.headers["user-agent"] == "tcd/1")
        #expect(request.headers["authorization"] == "Bearer " + String(repeating: "ab", count: 32))
        let signature = try #require(
            RequestSignature(
                domain: request.headers["x-ainternet-domain"] ?? "",
                timestamp: request.headers["x-ainternet-timestamp"] ?? "",
                nonce: request.headers["x-ainternet-nonce"] ?? "",
                signature: request.headers["x-ainternet-signature"] ?? ""))
        #expect(signature.agent == "alice")
        let signed = RequestSignature.Request(
            method: "GET", host: request.headers["host"] ?? "", target: request.target, body: Digest(of: []))
        #expect(signature.verifies(signed, with: key.publicKey))
    }

    @Test("Without key and token nothing is claimed")
    func anonymous() async throws {
        let server = StubServer { _ in .json(["polls": []]) }
        _ = try await client(server).pull(markRead: false)
        let headers = try #require(server.requests.first).headers
        #expect(headers["authorization"] == nil && !headers.keys.contains { $0.hasPrefix("x-ainternet") })
        #expect(headers["user-agent"]?.isEmpty == false)
    }

    @Test("A token with a line break is refused before anything is sent", arguments: ["a\nb", "", "a b", "ä"])
    func badToken(token: String) throws {
        var configuration = IPollConfiguration()
        configuration.bearerToken = token
        #expect(throws: CarrierError.self) {
            try IPollClient(
                server: HubAddress(parsing: "http://127.0.0.1:1"), agent: try #require(HubAgent("a")),
                configuration: configuration)
        }
    }

    /// The error of a pull that gets this reply.
    private func error(_ reply: StubServer.Reply) async throws -> CarrierError? {
        let server = StubServer { _ in reply }
        let client = try client(server)
        do throws(CarrierError) {
            _ = try await client.pull(markRead: false)
            return nil
        } catch {
            return error
        }
    }

    @Test("What a server refuses is told with the time after which to come again")
    func throttled() async throws {
        let reply = StubServer.Reply.json(["detail": "no"], status: 429, headers: ["Retry-After: 17"])
        let error = try #require(try await error(reply))
        #expect(error.kind == .throttled && error.action == .retry(after: .seconds(17)))
    }

    @Test("An error in an answer of success is an error")
    func errorInSuccess() async throws {
        let error = try #require(try await error(.json(["error": "no such\nagent", "polls": []])))
        #expect(error.kind == .refused && error.explanation.contains("no such\\nagent"))
    }

    @Test(
        "Answers that are none",
        arguments: [
            (200, "no json", CarrierError.Kind.corrupted), (200, "[]", .corrupted), (302, "{}", .misconfigured),
            (401, "{}", .refused), (403, "{}", .refused), (404, "{}", .misconfigured),
            (413, "{}", .tooLarge(limit: nil)),
            (500, "{}", .unreachable), (507, "{}", .full),
        ])
    func badAnswers(status: Int, body: String, kind: CarrierError.Kind) async throws {
        #expect(try await error(StubServer.Reply(status: status, body: body))?.kind == kind)
    }

    @Test("An answer without the one container says that nothing is there")
    func otherContainer() async throws {
        let server = StubServer { _ in .json(["messages": [["id": "m1"]]]) }
        #expect(try await client(server).pull(markRead: false).polls.isEmpty)
    }

    @Test("A type that is none of the five is not sent")
    func unknownType() async throws {
        let server = StubServer { _ in .json(["id": "m1"]) }
        let client = try client(server)
        await #expect(throws: CarrierError.self) {
            try await client.push(OutgoingPoll(to: client.agent, "x", type: .other("FLARE")))
        }
        #expect(server.requests.isEmpty)
    }

    @Test("Of messages that are too long for one answer, fewer are asked for")
    func longAnswers() async throws {
        let endless = StubServer.Reply(body: String(repeating: " ", count: 16 << 20) + "{}")
        let server = StubServer { request in
            let limit = request.target.split(separator: "=").last.flatMap { Int($0) } ?? 50
            if limit > 12 { return endless }
            return .json(["polls": .list((0..<limit).map { ["id": .text("m\($0)")] })])
        }
        let pulled = try await client(server).pull(markRead: false)
        #expect(pulled.polls.count == 12 && pulled.hasMore)
        #expect(server.requests.count == 3)
    }

    @Test("A server with pages gives all that waits, page by page")
    func pages() async throws {
        let server = StubServer { request in
            guard request.path.hasPrefix("/api/ipoll/pull/") else {
                return .json(["status": "online", "features": ["paging", "wait", "lease", "blobs"]])
            }
            let after = request.target.components(separatedBy: "after=m").dropFirst().first.flatMap { Int($0) } ?? 0
            return .json(["polls": .list((after..<min(after + 50, 120)).map { ["id": .text("m\($0 + 1)")] })])
        }
        let waiting = try await client(server).waiting()
        #expect(waiting.polls.map(\.id) == (1...120).map { "m\($0)" })
    }
}
