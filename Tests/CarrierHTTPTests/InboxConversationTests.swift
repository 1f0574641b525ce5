import Fabric
import Foundation
import SystemPackage
import Testing

@testable import CarrierHTTP

/// What happens on one connection: who waits for whom, and for how long (`http-inbox.md`, section 6).
@Suite struct InboxConversationTests {
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
            let (answer, isClosed) = await blocking { () -> (RawAnswer, Bool) in
                let socket = RawSocket(port: port)
                socket.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
                return (socket.readAnswer(), socket.isClosedByPeer())
            }
            #expect(answer.status == 200)
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
                    "-H", "Content-Type: application/octet-stream", "--data-binary", "@" + file, url,
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
