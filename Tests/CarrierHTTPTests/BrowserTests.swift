import Fabric
import HTTPServing
import HTTPTypes
import Testing

@testable import CarrierHTTP

/// Requests as a web page can send them to a listener of the user's machine.
@Suite struct BrowserTests {
    /// What a browser adds to requests of a page of another site.
    private static let marks = [
        "Host: localhost\r\nOrigin: https://evil.example", "Host: localhost\r\nOrigin: null",
        "Host: localhost\r\nSec-Fetch-Site: cross-site", "Host: localhost\r\nSec-Fetch-Site: same-site",
        // The page's own name was made to point here.
        "Host: rebind.evil.example:8443", "Host: 192.0.2.7",
    ]

    private static let id = String(repeating: "0a", count: 32)

    /// Every path and method of the inbox, and what the same request gets without the marks.
    private static let requests: [(line: String, rest: String, status: Int)] = [
        ("GET /", "", 200), ("GET /health", "", 200), ("GET /nope", "", 404), ("OPTIONS /inbox/a.tza", "", 405),
        ("POST /inbox/a.tza", "Content-Length: 1\r\n\r\nx", 201),
        ("POST /inbox/a.tza", "Content-Length: 0\r\nUpload-Complete: ?0\r\n", 400),
        ("HEAD /inbox/.uploads/\(id)", "", 404), ("DELETE /inbox/.uploads/\(id)", "", 404),
        (
            "PATCH /inbox/.uploads/\(id)",
            "Content-Type: application/partial-upload\r\nUpload-Offset: 0\r\nUpload-Complete: ?1\r\n"
                + "Content-Length: 1\r\n\r\nx", 404
        ),
    ]

    @Test(arguments: requests.indices) func requestsOfPagesAreForbidden(_ index: Int) async throws {
        let (line, rest, status) = Self.requests[index]
        let end = rest.contains("\r\n\r\n") ? "" : "\r\n"
        try await TestInbox.with { inbox in
            for mark in Self.marks {
                let answer = await inbox.exchange("\(line) HTTP/1.1\r\n\(mark)\r\nConnection: close\r\n\(rest)\(end)")
                #expect(answer.status == 403, "\(line) \(mark)")
            }
            #expect(inbox.workspace.all().isEmpty)
            let answer = await inbox.exchange(
                "\(line) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\(rest)\(end)")
            #expect(answer.status == status)
        }
    }

    @Test(arguments: [
        "text/plain", "Text/Plain; charset=utf-8", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x", "text/plain,application/octet-stream",
    ])
    func typesOfFormsAreRefused(_ type: String) async throws {
        try await TestInbox.with { inbox in
            #expect(await inbox.post("a.tza", [1], headers: ["Content-Type: " + type]).status == 415)
            let announcement = ["Content-Type: " + type, "Upload-Complete: ?0", "Upload-Length: 1"]
            #expect(await inbox.post("a.tza", [], headers: announcement).status == 415)
            #expect(inbox.workspace.all().isEmpty)
        }
    }

    /// The peers' clients send the first.
    @Test func typesOfProgramsAreTaken() async throws {
        try await TestInbox.with { inbox in
            let type = "Content-Type: application/octet-stream"
            #expect(await inbox.post("a.tza", [1], headers: [type]).status == 201)
            #expect(await inbox.post("b.tza", [1]).status == 201)
            let own = ["Sec-Fetch-Site: none", type]
            #expect(await inbox.post("c.tza", [1], headers: own).status == 201)
        }
    }

    @Test(arguments: [
        ("127.0.0.1", [], "localhost:8443", true), ("127.0.0.1", [], "127.0.0.1", true),
        ("127.0.0.1", [], "127.1.2.3:1", true), ("127.0.0.1", [], "[::1]:8443", true),
        ("::1", [], "LOCALHOST.", true), ("localhost", [], "app.localhost", true), ("127.0.0.1", [], "", true),
        ("127.0.0.1", [], "127.0.0.1.evil.example", false), ("127.0.0.1", [], "evil.example", false),
        ("127.0.0.1", [], "localhost.evil.example", false), ("::1", [], "10.0.0.1", false),
        ("127.0.0.1", [], "0.0.0.0", false), ("127.0.0.1", [], "user@localhost", false),
        ("127.0.0.1", ["Inbox.Example"], "inbox.example:443", true),
        ("127.0.0.1", ["inbox.example"], "other.example", false), ("0.0.0.0", [], "any.example", true),
        ("0.0.0.0", ["inbox.example"], "inbox.example", true), ("0.0.0.0", ["inbox.example"], "192.0.2.7:80", true),
        ("0.0.0.0", ["inbox.example"], "[2001:db8::1]", true), ("0.0.0.0", ["inbox.example"], "localhost", true),
        ("0.0.0.0", ["inbox.example"], "evil.example", false),
    ])
    func hosts(address: String, names: [String], host: String, isAccepted: Bool) {
        let request = HTTPRequest(method: .get, scheme: "http", authority: host, path: "/")
        let guardian = BrowserGuard(listeningOn: address, names: names)
        if isAccepted {
            #expect(throws: Never.self) { try guardian.check(request) }
        } else {
            let error = #expect(throws: ForeignRequest.self) { try guardian.check(request) }
            #expect(error?.status == .forbidden)
        }
    }
}
