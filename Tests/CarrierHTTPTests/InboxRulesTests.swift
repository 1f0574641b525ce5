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
                let answer = await inbox.exchange("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(answer.status == 200)
                #expect(answer["Content-Type"] == "text/plain")
                #expect(!answer.body.contains(inbox.workspace.path.string))
            }
            #expect(await inbox.exchange("GET /health?a=1 HTTP/1.1\r\nHost: h\r\n\r\n").status == 404)
            #expect(await inbox.exchange("GET /nope HTTP/1.1\r\nHost: h\r\n\r\n").status == 404)
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
                let answer = await inbox.exchange(request + "\r\nHost: h\r\nConnection: close\r\n\r\n")
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

    @Test func sameBytesAreNoSecondArrivalAndOthersAreKeptBeside() async throws {
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
            let answer = await inbox.exchange("POST /inbox/a.tza HTTP/1.1\r\nHost: h\r\n" + rest)
            #expect(answer.status == 411)
            #expect(ErrorBody(parsing: Array(answer.body.utf8))?.error == "length-required")
            #expect(inbox.workspace.visible().isEmpty)
        }
    }

    @Test func refusesWhatIsTooLargeBeforeReadingIt() async throws {
        var limits = TestInbox.quick()
        limits.largestBody = 10
        try await TestInbox.with(limits: limits) { inbox in
            let answer = await inbox.exchange("POST /inbox/a.tza HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n")
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

    @Test func answersExpectBeforeTheBody() async throws {
        try await TestInbox.with { inbox in
            let port = inbox.address.port
            let (interim, answer) = await blocking { () -> (String, RawAnswer) in
                let socket = RawSocket(port: port)
                socket.send("POST /inbox/a.tza HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
                let interim = socket.receiveHead()
                socket.send("abc")
                return (interim, socket.readAnswer())
            }
            #expect(interim.hasPrefix("HTTP/1.1 100"))
            #expect(answer.status == 201)
        }
    }

    @Test func doesNotAskForABodyThatItRefuses() async throws {
        try await TestInbox.with(policy: AuthorizationPolicy(requiresSignature: true)) { inbox in
            let head = "POST /inbox/a.tza HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
            let port = inbox.address.port
            let first = await blocking { () -> String in
                let socket = RawSocket(port: port)
                socket.send(head)
                return socket.receiveHead()
            }
            #expect(first.hasPrefix("HTTP/1.1 401"))
        }
    }

    @Test func answers408ToASlowHeader() async throws {
        var limits = TestInbox.quick()
        limits.headerTime = .milliseconds(200)
        try await TestInbox.with(limits: limits) { inbox in
            #expect(await inbox.exchange("POST /inbox/a.tza HTTP/1.1\r\nConte").status == 408)
            #expect(await inbox.exchange("").status == 408)
        }
    }

    @Test func answers408ToABodyThatStopsOrTrickles() async throws {
        var limits = TestInbox.quick()
        limits.idleTime = .milliseconds(500)
        limits.minimumRate = 1000
        try await TestInbox.with(limits: limits) { inbox in
            let stopped = await inbox.exchange(TestInbox.request("POST", "/inbox/a.tza", [1, 2], length: 100_000))
            #expect(stopped.status == 408)
            let port = inbox.address.port
            let trickled = await blocking { () -> RawAnswer in
                let socket = RawSocket(port: port)
                socket.send(TestInbox.request("POST", "/inbox/b.tza", [], length: 100_000))
                Thread {
                    while socket.send([0]) { usleep(20_000) }
                }.start()
                return socket.readAnswer()
            }
            #expect(trickled.status == 408)
            #expect(inbox.workspace.visible().isEmpty)
            #expect(inbox.workspace.leftovers.isEmpty)
        }
    }

    @Test func closesAConnectionThatLiesIdle() async throws {
        var limits = TestInbox.quick()
        limits.idleTime = .milliseconds(300)
        try await TestInbox.with(limits: limits) { inbox in
            let port = inbox.address.port
            let isClosed = await blocking { () -> Bool in
                let socket = RawSocket(port: port)
                socket.send("GET /health HTTP/1.1\r\nHost: h\r\n\r\n")
                _ = socket.readAnswer()
                return socket.isClosedByPeer()
            }
            #expect(isClosed)
        }
    }

    @Test func servesManyRequestsOnOneConnection() async throws {
        try await TestInbox.with { inbox in
            let port = inbox.address.port
            let statuses = await blocking { () -> [Int] in
                let socket = RawSocket(port: port)
                return (0..<3).map { number in
                    socket.send(TestInbox.request("POST", "/inbox/n\(number).tza", [1, 2, 3]))
                    return socket.readAnswer().status
                }
            }
            #expect(statuses == [201, 201, 201])
        }
    }

    @Test(arguments: [
        "hello\r\n\r\n", "GET\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "POST /inbox/a HTTP/9.9\r\n\r\n",
        "POST /inbox/a.tza HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "POST /inbox/a.tza HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
        "POST /inbox/a.tza HTTP/1.1\r\nX: " + String(repeating: "x", count: 100_000) + "\r\n\r\n",
    ])
    func survivesGarbage(_ text: String) async throws {
        try await TestInbox.with { inbox in
            #expect((400...505).contains(await inbox.exchange(text).status))
            #expect(await inbox.post("a.tza", [1]).status == 201)
        }
    }

    /// A client that asks before it sends must not wait: curl would give up asking after a second, and say so.
    @Test func curlDoesNotWait() async throws {
        try await TestInbox.with { inbox in
            let file = inbox.workspace.write(pattern(3_000_000), to: "body").string
            let url = inbox.address.description + "/inbox/a.tza"
            let log = await blocking { () -> String in
                let process = Process()
                process.executableURL = URL(fileURLWithPath: "/usr/bin/curl")
                process.arguments = [
                    "-sv", "-o", "/dev/null", "--expect100-timeout", "20", "-H", "Expect: 100-continue",
                    "--data-binary", "@" + file, url,
                ]
                let output = Pipe()
                process.standardError = output
                try? process.run()
                let data = output.fileHandleForReading.readDataToEndOfFile()
                process.waitUntilExit()
                return String(decoding: data, as: UTF8.self)
            }
            #expect(log.contains("< HTTP/1.1 100 Continue"))
            #expect(log.contains("< HTTP/1.1 201 Created"))
            #expect(!log.contains("Done waiting"))
            #expect(inbox.workspace.content("a.tza")?.count == 3_000_000)
        }
    }
}
