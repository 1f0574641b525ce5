import Fabric
import Foundation
import SystemPackage
import Testing

@testable import CarrierHTTP

/// The rules of `http-inbox.md`, section 6, seen by a client that speaks raw HTTP.
@Suite struct InboxRulesTests {
    @Test func answersHealthWithoutTellingPaths() async throws {
        try await TestInbox.with { inbox in
            for path in ["/", "/health"] {
                let answer = await inbox.exchange("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(answer.status == 200)
                #expect(answer["Content-Type"] == "text/plain")
                #expect(!answer.body.contains(inbox.workspace.path.string))
            }
            #expect(await inbox.exchange("GET /health?a=1 HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 404)
            #expect(await inbox.exchange("GET /nope HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 404)
            #expect(await inbox.exchange("GET /health HTTP/1.0\r\n\r\n").status == 200)
        }
    }

    @Test func refusesOtherMethods() async throws {
        try await TestInbox.with { inbox in
            for (request, status) in [
                ("HEAD / HTTP/1.1", 405), ("PUT /inbox/a HTTP/1.1", 405), ("GET /inbox/a HTTP/1.1", 405),
                ("POST /health HTTP/1.1", 405), ("POST /other/a HTTP/1.1", 404), ("DELETE /inbox/a HTTP/1.1", 405),
                ("NONSENSE /inbox/a HTTP/1.1", 501),
            ] {
                let answer = await inbox.exchange(request + "\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                #expect(answer.status == status, "\(request)")
            }
            #expect(await inbox.exchange("PUT /inbox/a HTTP/1.1\r\nContent-Length: 1\r\n\r\nx").status == 405)
            #expect(inbox.workspace.visible().isEmpty)
        }
    }

    @Test func storesAndSaysSoAsThePeerDoes() async throws {
        try await TestInbox.with { inbox in
            let answer = await inbox.post("a.tza", Array("abc".utf8))
            #expect(answer.status == 201)
            #expect(answer["Content-Type"] == "text/plain")
            #expect(answer.body == "created a.tza (3 bytes) [no-auth]\n")
            #expect(answer["TIBET-Stored-Name"] == "a.tza")
            #expect(answer["TIBET-Outcome"] == "created")
            #expect(answer["Repr-Digest"] == StructuredFields.text(of: Digest(of: Array("abc".utf8))))
            #expect(inbox.workspace.content("a.tza") == Array("abc".utf8))
            #expect(await inbox.arrivals(1)[0].authentication == .none)
        }
    }

    @Test func sameBytesAreDuplicatesAndOthersAreKeptBeside() async throws {
        try await TestInbox.with { inbox in
            _ = await inbox.post("a.tza", [1])
            let again = await inbox.post("a.tza", [1])
            #expect(again.status == 200)
            #expect(again["TIBET-Outcome"] == "duplicate")
            let other = await inbox.post("a.tza", [2])
            #expect(other.status == 201)
            #expect(other["TIBET-Outcome"] == "kept-beside")
            #expect(other["TIBET-Stored-Name"] == "a.\(Digest(of: [2]).shortHex).tza")
            #expect(inbox.workspace.visible().count == 2)
            // An owner that failed with the first can do better now.
            let arrivals = await inbox.arrivals(3)
            #expect(arrivals.map(\.publication.outcome) == [.created, .duplicate, .keptBeside])
            #expect(arrivals[1].publication.storedName.text == "a.tza")
        }
    }

    @Test(arguments: [
        "a/b", "..%2Fx", "a..b.tza", "a%5Cb", "a%2Fb.tza", "q.tza?x=1", "", ".", ".hidden", "z.part",
        String(repeating: "n", count: 300), "%", "%zz",
    ])
    func refusesUnsafeNames(_ name: String) async throws {
        try await TestInbox.with { inbox in
            let answer = await inbox.post(name, [1])
            #expect(answer.status == 400)
            #expect(ErrorBody(parsing: Array(answer.body.utf8))?.error == "bad-name")
            #expect(inbox.workspace.all().isEmpty)
        }
    }

    @Test(arguments: [
        "Content-Length: 0\r\n\r\n", "\r\n", "Content-Length: zz\r\n\r\n", "Content-Length: -5\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ])
    func wantsALength(_ rest: String) async throws {
        try await TestInbox.with { inbox in
            let answer = await inbox.exchange("POST /inbox/a.tza HTTP/1.1\r\nHost: localhost\r\n" + rest)
            #expect(answer.status == 411)
            #expect(ErrorBody(parsing: Array(answer.body.utf8))?.error == "length-required")
            #expect(inbox.workspace.visible().isEmpty)
        }
    }

    @Test func refusesWhatIsTooLargeBeforeReadingIt() async throws {
        var limits = TestInbox.quick()
        limits.largestBody = 10
        try await TestInbox.with(limits: limits) { inbox in
            let answer = await inbox.exchange(
                "POST /inbox/a.tza HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n")
            #expect(answer.status == 413)
            #expect(ErrorBody(parsing: Array(answer.body.utf8))?.limit == 10)
            #expect(await inbox.post("a.tza", pattern(10)).status == 201)
            let error = await #expect(throws: CarrierError.self) {
                try await carrier().deliver(envelope("b.tza", pattern(2_000_000)), along: inbox.route, reporting: .none)
            }
            #expect(error?.kind == .tooLarge(limit: 10))
        }
    }

    /// The sender is in the middle of its body when the answer comes, and must be able to read it.
    @Test func aRefusalReachesASenderThatIsStillSending() async throws {
        var limits = TestInbox.quick()
        limits.largestBody = 10
        try await TestInbox.with(limits: limits) { inbox in
            let error = await #expect(throws: CarrierError.self) {
                try await carrier { $0.resumeThreshold = .max }.deliver(
                    ZeroSource.envelope("b.tza", size: 40 << 20), along: inbox.route, reporting: .none)
            }
            #expect(error?.kind == .tooLarge(limit: 10))
            #expect(error?.explanation.contains("an envelope may have 10 bytes here") == true)
        }
    }

    @Test func refusesABodyThatEndsEarly() async throws {
        try await TestInbox.with { inbox in
            let request = TestInbox.request("POST", "/inbox/short.tza", Array("abc".utf8), length: 10)
            let answer = await inbox.exchange(request, halfClose: true)
            #expect(answer.status == 400)
            #expect(ErrorBody(parsing: Array(answer.body.utf8))?.error == "short-body")
            #expect(inbox.workspace.visible().isEmpty)
            #expect(inbox.workspace.leftovers.isEmpty)
        }
    }

    @Test func refusesBytesOfAnotherDigest() async throws {
        try await TestInbox.with { inbox in
            let field = "Repr-Digest: " + StructuredFields.text(of: Digest(of: [2]))
            let answer = await inbox.post("a.tza", [1], headers: [field])
            #expect(answer.status == 400)
            #expect(inbox.workspace.visible().isEmpty)
        }
    }

    @Test func refusesWithoutRoom() async throws {
        try await TestInbox.with(reserve: .max / 2) { inbox in
            let answer = await inbox.post("a.tza", [1])
            #expect(answer.status == 507)
            #expect(ErrorBody(parsing: Array(answer.body.utf8))?.error == "no-room")
            let error = await #expect(throws: CarrierError.self) {
                try await carrier().deliver(envelope("a.tza", pattern(2_000_000)), along: inbox.route, reporting: .none)
            }
            #expect(error?.kind == .full)
        }
    }

    @Test func takesOnlySoManyAtOnce() async throws {
        var limits = TestInbox.quick()
        limits.concurrentUploads = 1
        try await TestInbox.with(limits: limits) { inbox in
            let port = inbox.address.port
            let first = await blocking {
                let socket = RawSocket(port: port)
                // The answer to Expect says that the slot is taken.
                socket.send("POST /inbox/a.tza HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
                _ = socket.receiveHead()
                return socket
            }
            let second = await inbox.post("b.tza", [1])
            #expect(second.status == 429)
            #expect(second["Retry-After"] == "1")
            let error = await #expect(throws: CarrierError.self) {
                try await carrier().deliver(envelope("b.tza", [1]), along: inbox.route, reporting: .none)
            }
            #expect(error?.kind == .throttled)
            #expect(error?.action == .retry(after: .seconds(1)))
            let answer = await blocking {
                first.send("xy")
                return first.readAnswer()
            }
            #expect(answer.status == 201)
            #expect(await inbox.post("b.tza", [1]).status == 201)
        }
    }
}
