import Fabric
import Foundation
import Synchronization
import Testing

@testable import CarrierHTTP

/// Our sender against far sides that are no listener of ours: silent, slow, wrong, or a peer.
@Suite struct FarSideTests {
    /// Sends 8 MiB at once, more than any socket's buffers take, to a server that does what `script` says.
    private func failure(
        size: Int = 8 << 20, resumeThreshold: Int64 = .max, _ script: @escaping @Sendable (RawSocket) -> Void
    ) async -> CarrierError? {
        let server = RawServer(script)
        let sender = carrier {
            $0.stallTime = .seconds(1)
            $0.minimumRate = 10_000
            $0.resumeThreshold = resumeThreshold
        }
        let route = Route(scheme: "http", address: server.url)
        return await #expect(throws: CarrierError.self) {
            try await sender.deliver(envelope("a.tza", pattern(size)), along: route, reporting: .none)
        }
    }

    private static func answering(_ text: String) -> @Sendable (RawSocket) -> Void {
        { socket in
            _ = socket.receiveHead()
            socket.skip(1000)
            socket.send(text)
            socket.halfClose()
            while !socket.receive().isEmpty {}
        }
    }

    @Test func aServerThatNeverReadsIsStalled() async {
        let error = await failure { socket in
            _ = socket.isIdleUntilClosed()
        }
        #expect(error?.kind == .stalled)
        #expect(error?.isRetryable == true)
    }

    @Test(arguments: [1000, 8 << 20]) func aServerThatNeverAnswersIsStalled(_ size: Int) async {
        #expect(await failure(size: size) { socket in while !socket.receive().isEmpty {} }?.kind == .stalled)
    }

    @Test func aServerThatTricklesIsStalled() async {
        let error = await failure { socket in
            while !socket.receive(16).isEmpty { usleep(20_000) }
        }
        #expect(error?.kind == .stalled)
    }

    @Test func anAnswerThatTricklesIsStalled() async {
        let error = await failure(size: 1000) { socket in
            _ = socket.receiveHead()
            socket.skip(1000)
            socket.send("HTTP/1.1 201 Created\r\nX: ")
            while socket.send([UInt8(ascii: "x")]) { usleep(20_000) }
        }
        #expect(error?.kind == .stalled)
    }

    @Test(arguments: [
        "garbage\r\n\r\n", "\u{0}\u{1}\u{2}\u{3}", "220 mail.example ESMTP\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
    ])
    func garbageIsNoSuccess(_ text: String) async {
        #expect(await failure(size: 1000, Self.answering(text))?.kind == .corrupted)
    }

    @Test func anotherDigestIsNoSuccess() async {
        let digest = StructuredFields.text(of: Digest(of: [1]))
        let answer = "HTTP/1.1 201 Created\r\nRepr-Digest: \(digest)\r\nContent-Length: 0\r\n\r\n"
        #expect(await failure(size: 1000, Self.answering(answer))?.kind == .corrupted)
    }

    @Test func aRedirectIsNotFollowed() async {
        let answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/x\r\nContent-Length: 0\r\n\r\n"
        let error = await failure(size: 1000, Self.answering(answer))
        #expect(error?.kind == .misconfigured)
        #expect(error?.explanation.contains("http://127.0.0.1:9/x") == true)
    }

    @Test func aConnectionThatClosesIsTriedAgain() async {
        let error = await failure(size: 1000) { socket in _ = socket.receiveHead() }
        #expect(error?.kind == .unreachable)
        #expect(error?.isRetryable == true)
    }

    @Test func anAnswerBeforeTheEndOfTheBodyCounts() async {
        let body = ErrorBody(error: "too-large", reason: "an envelope may have 5 bytes here", limit: 5).json
        let answer = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        let error = await failure(Self.answering(answer + body))
        #expect(error?.kind == .tooLarge(limit: 5))
        #expect(error?.explanation.contains("an envelope may have 5 bytes here") == true)
    }

    @Test func anEndlessAnswerIsCutOff() async {
        let error = await failure(size: 1000) { socket in
            _ = socket.receiveHead()
            socket.skip(1000)
            socket.send("HTTP/1.1 500 Oh\r\n\r\n")
            while socket.send([UInt8](repeating: 65, count: 65536)) {}
        }
        #expect(error?.kind == .unreachable)
    }

    @Test func cancellingEndsAtOnce() async {
        let server = RawServer { socket in while !socket.receive().isEmpty {} }
        let route = Route(scheme: "http", address: server.url)
        let moved = Event()
        let task = Task {
            try await carrier { $0.stallTime = .seconds(600) }.deliver(
                envelope("a.tza", pattern(1000)), along: route,
                reporting: ProgressSink { if $0 > 0 { moved.happen() } })
        }
        await moved.wait()
        task.cancel()
        let error = await #expect(throws: CarrierError.self) { try await task.value }
        #expect(error?.kind == .cancelled)
    }

    @Test func aNameThatCannotBeResolvedIsUnreachable() async {
        let route = Route(scheme: "http", address: "http://inbox.invalid:1")
        let error = await #expect(throws: CarrierError.self) {
            try await carrier { $0.connectTime = .seconds(2) }.deliver(
                envelope("a.tza", [1]), along: route, reporting: .none)
        }
        #expect(error?.kind == .unreachable)
    }

    @Test func aSourceOfAnotherLengthIsNotSent() async throws {
        try await TestInbox.with { inbox in
            for size in [Int64(99), 101] {
                let bytes = pattern(100)
                let object = SealedEnvelope(name: ArrivalName("a.tza")!, digest: Digest(of: bytes), size: size) {
                    ArraySource(bytes: bytes)
                }
                let error = await #expect(throws: CarrierError.self) {
                    try await carrier().deliver(object, along: inbox.route, reporting: .none)
                }
                #expect(error?.kind == .corrupted)
            }
            #expect(inbox.workspace.visible().isEmpty)
        }
    }

    @Test(arguments: [Int64.max, 1]) func aSourceThatBreaksPublishesNothing(_ threshold: Int64) async throws {
        let workspace = Workspace()
        try await TestInbox.with(workspace: workspace) { inbox in
            let object = BreakingSource.envelope("a.tza", pattern(3_000_000), breaksAt: 2_500_000)
            let error = await #expect(throws: CarrierError.self) {
                try await carrier { $0.resumeThreshold = threshold }.deliver(
                    object, along: inbox.route, reporting: .none)
            }
            #expect(error?.kind == .misconfigured && error?.action == .retry(after: nil))
        }
        #expect(workspace.visible().isEmpty)
        #expect(workspace.leftovers.isEmpty)
    }
}

/// What a peer's inbox does, as `http-inbox.md` describes it.
@Suite struct PeerTests {
    /// Answers like the peer: HTTP/1.0, 411 without a body, closing after each answer.
    private static func peer(_ heads: RequestLog) -> RawServer {
        RawServer { socket in
            let head = socket.receiveHead()
            heads.add(head)
            let length = RawAnswer(head: head, body: "")["Content-Length"].flatMap { Int($0) } ?? 0
            guard length > 0 else {
                socket.send("HTTP/1.0 411 Length Required\r\nContent-Length: 0\r\n\r\n")
                return
            }
            socket.skip(length)
            let name = head.split(separator: " ")[1].split(separator: "/").last ?? ""
            let text = "created \(name) (\(length) bytes) [no-auth]\n"
            socket.send(
                "HTTP/1.0 201 Created\r\nContent-Type: text/plain\r\nContent-Length: \(text.utf8.count)\r\n\r\n" + text)
        }
    }

    @Test func aSmallEnvelopeGoesAsThePeerExpects() async throws {
        let log = RequestLog()
        let server = Self.peer(log)
        let sender = carrier(key(1)) { $0.senderDID = "jis:acme:svc@node-a" }
        let receipt = try await sender.deliver(
            envelope("a.tza", pattern(1000)), along: Route(scheme: "http", address: server.url), reporting: .none)
        #expect(receipt.strength == .accepted)
        #expect(receipt.storedName == "a.tza")
        let head = log.all[0]
        #expect(head.hasPrefix("POST /inbox/a.tza HTTP/1.1\r\n"))
        let request = RawAnswer(head: head, body: "")
        #expect(request["Content-Length"] == "1000")
        #expect(request["Content-Type"] == "application/octet-stream")
        #expect(request["Transfer-Encoding"] == nil)
        #expect(request["Expect"] == nil)
        #expect(request["X-TIBET-Sender-DID"] == "jis:acme:svc@node-a")
        let authorization = try #require(request["Authorization"].flatMap { Authorization(parsing: $0) })
        #expect(authorization.verifies(Digest(of: pattern(1000))))
    }

    @Test func aLargeEnvelopeFallsBackToOnePiece() async throws {
        let log = RequestLog()
        let server = Self.peer(log)
        let receipt = try await carrier().deliver(
            envelope("a.tza", pattern(3_000_000)), along: Route(scheme: "http", address: server.url), reporting: .none)
        #expect(receipt.strength == .accepted)
        #expect(receipt.resumedFrom == 0)
        #expect(log.all.count == 2)
        #expect(RawAnswer(head: log.all[0], body: "")["Upload-Complete"] == "?0")
        #expect(RawAnswer(head: log.all[1], body: "")["Content-Length"] == "3000000")
        #expect(RawAnswer(head: log.all[1], body: "")["X-TIBET-Sender-DID"] == nil)
        #expect(RawAnswer(head: log.all[1], body: "")["Authorization"] == nil)
    }

    @Test func anUnknownDIDFormIsNotSent() async {
        let error = await #expect(throws: CarrierError.self) {
            try await carrier { $0.senderDID = "jis:x\r\nX-Evil: 1" }.deliver(
                envelope("a.tza", [1]), along: Route(scheme: "http", address: "http://127.0.0.1:9"), reporting: .none)
        }
        #expect(error?.kind == .misconfigured)
    }

    @Test func connectionsAreKept() async throws {
        let connections = Mutex(0)
        let server = RawServer { socket in
            connections.withLock { $0 += 1 }
            while true {
                let head = socket.receiveHead()
                guard !head.isEmpty else { return }
                socket.skip(RawAnswer(head: head, body: "")["Content-Length"].flatMap { Int($0) } ?? 0)
                socket.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
            }
        }
        let sender = carrier()
        for number in 0..<3 {
            _ = try await sender.deliver(
                envelope("n\(number).tza", [1, 2, 3]), along: Route(scheme: "http", address: server.url),
                reporting: .none)
        }
        #expect(connections.withLock { $0 } == 1)
    }

    @Test func aKeptConnectionThatWasClosedIsReplaced() async throws {
        let server = RawServer { socket in
            let head = socket.receiveHead()
            socket.skip(RawAnswer(head: head, body: "")["Content-Length"].flatMap { Int($0) } ?? 0)
            socket.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        }
        let sender = carrier()
        for number in 0..<5 {
            _ = try await sender.deliver(
                envelope("n\(number).tza", [1, 2, 3]), along: Route(scheme: "http", address: server.url),
                reporting: .none)
        }
    }

    /// In a process of its own, as the environment is the process's.
    @Test func proxiesComeFromTheEnvironment() async {
        await #expect(processExitsWith: .success) {
            let log = RequestLog()
            let server = PeerTests.peer(log)
            setenv("http_proxy", server.url, 1)
            setenv("no_proxy", "127.0.0.1", 1)
            _ = try await carrier().deliver(
                envelope("a.tza", [1, 2, 3]), along: Route(scheme: "http", address: "http://inbox.invalid"),
                reporting: .none)
            precondition(log.all[0].hasPrefix("POST http://inbox.invalid/inbox/a.tza HTTP/1.1"))
            _ = try await carrier().deliver(
                envelope("a.tza", [1, 2, 3]), along: Route(scheme: "http", address: server.url), reporting: .none)
            precondition(log.all[1].hasPrefix("POST /inbox/a.tza HTTP/1.1"))
        }
    }
}

/// The heads of requests, in order.
final class RequestLog: Sendable {
    private let heads = Mutex<[String]>([])

    func add(_ head: String) { heads.withLock { $0.append(head) } }

    var all: [String] { heads.withLock { $0 } }
}
