import Fabric
import Foundation
import Testing

@testable import Hub

/// Requests as a web page can cause them, at each family of endpoints.
@Suite("Web pages")
struct BrowserTests {
    private static let requests: [(method: String, target: String, body: String)] = [
        ("POST", "/api/ipoll/push", #"{"from_agent":"boss","to_agent":"bob","content":"x"}"#),
        ("GET", "/api/ipoll/pull/bob", ""),
        ("POST", "/api/mux/open", #"{"agent":"boss","target":"bob","intent":"x"}"#),
        ("GET", "/api/mux/by-target?target=bob", ""),
        ("POST", "/api/blobs", #"{"agent":"a","to":"b","size_bytes":0,"digest":"sha256:","name":"x"}"#),
        ("POST", "/api/ains/register", #"{"agent":"bob"}"#),
        ("GET", "/api/ains/list", ""),
        ("GET", "/api/hub/status", ""),
        ("GET", "/health", ""),
        ("OPTIONS", "/api/ipoll/push", ""),
    ]

    private func answer(
        _ hub: TestHub, _ method: String, _ target: String, _ body: String, host: String? = nil, _ headers: [String]
    ) async throws -> (status: String, code: String?) {
        let connection = try RawConnection(port: hub.port)
        let lines = ["Host: \(host ?? hub.host)", "Content-Length: \(body.utf8.count)", "Connection: close"] + headers
        connection.send("\(method) \(target) HTTP/1.1\r\n\(lines.joined(separator: "\r\n"))\r\n\r\n\(body)")
        let text = await connection.readAll()
        let json = text.components(separatedBy: "\r\n\r\n").last.flatMap { try? JSONValue(parsing: $0) }
        return (String(text.dropFirst(9).prefix(3)), json?["code"]?.text)
    }

    @Test("What a page adds to its requests is refused with 403, and nothing is stored", arguments: [true, false])
    func origins(isOpen: Bool) async throws {
        let hub = try await TestHub(isOpen: isOpen)
        for request in Self.requests {
            for header in [
                "Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site",
                "Sec-Fetch-Site: same-site",
            ] {
                let told = try await answer(
                    hub, request.method, request.target, request.body, [header, "Content-Type: application/json"])
                #expect(told.status == "403" && told.code == "browser", "\(request) \(header)")
            }
            let rebound = try await answer(
                hub, request.method, request.target, request.body, host: "rebind.evil.example:\(hub.port)", [])
            #expect(rebound.status == "403" && rebound.code == "foreign_host", "\(request)")
        }
        let status = try await hub.get("/api/hub/status")
        #expect(status["messages"]?["pushed"]?.integer == 0 && status["channels"]?["opened"]?.integer == 0)
        await hub.stop()
    }

    @Test("A WebSocket is not opened for a page, nor under a foreign host")
    func sockets() async throws {
        let hub = try await TestHub()
        let page = try await RawSocketClient(
            port: hub.port, target: "/api/mux/ws?agent=a", headers: ["Origin": "https://evil.example"])
        #expect(page.head.hasPrefix("HTTP/1.1 403"))
        let program = try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=a")
        #expect(program.head.hasPrefix("HTTP/1.1 101"))
        program.connection.close()
        await hub.stop()
    }

    @Test("JSON is not accepted as anything else; where a body is bytes, its type does not matter")
    func types() async throws {
        let hub = try await TestHub()
        let request = Self.requests[0]
        for type in [
            "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data",
        ] {
            let told = try await answer(hub, request.method, request.target, request.body, ["Content-Type: \(type)"])
            #expect(told.status == "415" && told.code == "bad_type", "\(type)")
        }
        for type in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.x+json"] {
            let told = try await answer(hub, request.method, request.target, request.body, ["Content-Type: \(type)"])
            #expect(told.status == "200", "\(type)")
        }
        #expect(try await answer(hub, request.method, request.target, request.body, []).status == "200")
        await hub.stop()
    }

    @Test("Loopback names and those of --name are the hub's, and no others")
    func hosts() async throws {
        let hub = try await TestHub { $0.names = ["hub.example"] }
        for host in ["127.0.0.1", "localhost:1", "[::1]:80", "hub.example", "HUB.example:8000"] {
            #expect(try await answer(hub, "GET", "/health", "", host: host, []).status == "200", "\(host)")
        }
        for host in ["x", "evil.example", "hub.example.evil.example", "192.0.2.1"] {
            #expect(try await answer(hub, "GET", "/health", "", host: host, []).status == "403", "\(host)")
        }
        await hub.stop()
    }
}
