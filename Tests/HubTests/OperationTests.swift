import Fabric
import Foundation
import Hub
import ProgramRunner
import SystemPackage
import Testing

@Suite("Operation")
struct OperationTests {
    @Test("The document describes every path that is answered, and every operation has its own name")
    func document() async throws {
        let hub = try await TestHub()
        let document = try await hub.get("/openapi.json")
        let paths = try #require(document["paths"]?.object)
        for path in [
            "/api/mux/open", "/api/mux/send", "/api/mux/close", "/api/mux/by-target", "/api/mux/channel/{id}",
            "/api/mux/channels", "/api/mux/intents", "/api/mux/status", "/api/mux/ws", "/api/mux/lease",
            "/api/mux/settle", "/api/mux/events", "/api/ipoll/push", "/api/ipoll/pull/{agent}", "/api/ipoll/respond",
            "/api/ipoll/status", "/api/ipoll/history", "/api/ipoll/history/{agent}", "/api/ipoll/register",
            "/api/ipoll/request-verification", "/api/ipoll/verify-challenge", "/api/ipoll/file/push",
            "/api/ipoll/resolve/{agent}", "/api/ipoll/lease", "/api/ipoll/settle", "/api/ipoll/events/{agent}",
            "/api/ains/resolve/{name}", "/api/ains/list", "/api/ains/search", "/api/ains/register",
            "/api/ains/rotate", "/api/ains/suspend", "/api/ains/resume", "/api/ains/grant", "/api/blobs",
            "/api/blobs/{id}", "/api/blobs/{id}/content", "/health", "/metrics", "/openapi.json", "/api/hub/status",
        ] {
            #expect(paths[path] != nil, "\(path)")
        }
        #expect(paths.members.count == 43)
        var names: Set<String> = []
        for (path, item) in paths.members {
            for (method, operation) in item.object?.members ?? [] {
                let isNew = names.insert(operation["operationId"]?.text ?? "").inserted
                let summary = operation["summary"]?.text ?? ""
                #expect(isNew && !summary.isEmpty, "\(method) \(path)")
                // What is described is there: not found and not allowed would say otherwise.
                let target = path.replacingOccurrences(of: "{", with: "").replacingOccurrences(of: "}", with: "")
                if !path.contains("events") {
                    let status = try await hub.ask(method.uppercased(), target).status
                    #expect(status != 405 && (status != 404 || path.contains("{")), "\(method) \(path): \(status)")
                }
            }
        }
        await hub.stop()
    }

    @Test("Status, health and metrics tell what happened")
    func numbers() async throws {
        let hub = try await TestHub()
        try await hub.push("x")
        try await hub.send(1, on: try await hub.open())
        #expect(try await hub.get("/health")["status"]?.text == "ok")
        let status = try await hub.get("/api/hub/status")
        #expect(status["messages"]?["pending"]?.integer == 1 && status["frames"]?["waiting"]?.integer == 1)
        #expect(status["store"]?["kind"]?.text == "sqlite")
        let metrics = String(decoding: try await hub.get("/metrics").body, as: UTF8.self)
        #expect(metrics.contains("tibet_hub_requests_total{path=\"/api/ipoll/push\",method=\"POST\",status=\"200\"} 1"))
        #expect(metrics.contains("tibet_hub_messages_pending 1.0"))
        #expect(metrics.contains("tibet_hub_request_seconds_count{path=\"/api/mux/send\"} 1"))
        for (path, keys) in [
            ("/api/mux/status", ["features", "largest_message", "hub", "known_intents"]),
            (
                "/api/ipoll/status",
                ["features", "agents", "pending_polls", "total_polls", "rate_limit", "pending_by_agent"]
            ),
        ] {
            let answer = try await hub.get(path)
            for key in keys { #expect(answer[key] != nil, "\(path) \(key)") }
        }
        await hub.stop()
    }

    @Test("Every answer has the transfer's name, the client's own where it gave one")
    func transfers() async throws {
        let hub = try await TestHub()
        let given = try await hub.ask("GET", "/health", headers: ["X-Transfer-ID": "mine-1"])
        #expect(given.headers["x-transfer-id"] == "mine-1")
        let made = try await hub.get("/nothing").headers["x-transfer-id"]
        #expect(made.flatMap { TransferID($0) } != nil)
        await hub.stop()
    }

    @Test("Two hubs cannot have one file")
    func sameStore() async throws {
        let hub = try await TestHub()
        await #expect(throws: HubError.self) { _ = try await TestHub(in: hub.folder) }
        await hub.stop()
    }

    @Test("With a certificate both versions of HTTP are spoken, and WebSocket too")
    func tls() async throws {
        let folder = try WorkFolder()
        let made = try await Program(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=hub", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder.path("key.pem"),
                "-out", folder.path("cert.pem"),
            ], in: folder.url
        ).outcome()
        try #require(made.status == 0, "\(made)")
        let hub = try await TestHub(in: folder) {
            $0.tls = HubTLS(certificateChain: .init(folder.path("cert.pem")), privateKey: .init(folder.path("key.pem")))
        }
        #expect(hub.url.hasPrefix("https://"))
        func curl(_ arguments: String...) async throws -> String {
            let outcome = try await Program(
                "/usr/bin/curl", ["-sS", "--cacert", folder.path("cert.pem")] + arguments, in: folder.url
            ).outcome()
            return outcome.output + outcome.errors
        }
        let body = #"{"agent":"a","target":"b","intent":"x"}"#
        for version in ["--http1.1", "--http2"] {
            let answer = try await curl(
                version, "-w", " %{http_version} %{http_code}", "--json", body, hub.url + "/api/mux/open")
            #expect(answer.contains("\"channel_id\"") && answer.hasSuffix(version == "--http2" ? " 2 200" : " 1.1 200"))
            // A refusal before the body's end must not end the connection of the others.
            try folder.write("large", noise(3_000_000))
            let refused = try await curl(
                version, "-w", " %{http_code}", "--data-binary", "@" + folder.path("large"), "-H", "Expect:", "-H",
                "Content-Type: application/json",
                hub.url + "/api/mux/send", "--next", version, "--cacert", folder.path("cert.pem"), "-sS",
                hub.url + "/health")
            #expect(refused.contains(" 413") && refused.contains("\"ok\""), "\(refused)")
            let waited = try await curl(version, hub.url + "/api/ipoll/pull/b?wait=0.1")
            #expect(waited.contains("\"polls\":[]"))
        }
        let socket = try await curl(
            "--http1.1", "-i", "-m", "1", "-H", "Upgrade: websocket", "-H", "Connection: Upgrade", "-H",
            "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            hub.url + "/api/mux/ws?agent=a")
        #expect(socket.contains("101 Switching Protocols"))
        await hub.stop()
    }

    @Test("A thousand who wait are answered at once when the hub stops")
    func stopping() async throws {
        let hub = try await TestHub()
        let connections = try (0..<1000).map { number in
            let connection = try RawConnection(port: hub.port)
            connection.send("GET /api/ipoll/pull/agent-\(number)?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return connection
        }
        try await hub.waiters(1000)
        await hub.stop()
        for connection in connections { #expect(await connection.read(through: "\r\n").hasPrefix("HTTP/1.1 200 ")) }
    }
}
