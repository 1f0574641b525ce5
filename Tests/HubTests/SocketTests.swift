import Fabric
import Foundation
import Hub
import Testing

/// The mux over WebSocket, beside what was recorded of the reference server.
@Suite("WebSocket")
struct SocketTests {
    @Test("Every recorded message has the recorded answer")
    func recorded() async throws {
        let hub = try await TestHub()
        let socket = try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=w&token=ignored")
        #expect(socket.head.hasPrefix("HTTP/1.1 101 "))
        // The proof of the specification's own example (RFC 6455, section 1.3).
        #expect(socket.head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        var ids: [(theirs: String, ours: String)] = []
        var asked = 0
        for entry in try #require(RecordedMuxTests.vectors("mux.json")["websocket"]?.list) {
            guard let message = entry["send"], message.object != nil, let recorded = entry["receive"],
                !recorded.isNull
            else { continue }
            func translated(_ value: JSONValue) -> String {
                ids.reduce(value.text(.compact)) { $0.replacingOccurrences(of: $1.theirs, with: $1.ours) }
            }
            socket.send(translated(message))
            let answer = try JSONValue(parsing: await socket.text())
            if recorded["event"]?.text == "channel_opened" {
                ids.append((try #require(recorded["channel_id"]?.text), try #require(answer["channel_id"]?.text)))
            }
            let differences = RecordedMuxTests.differences(answer, try JSONValue(parsing: translated(recorded)))
            #expect(differences.isEmpty, "\(differences)")
            asked += 1
        }
        #expect(asked == 10)
        socket.connection.close()
        // What was opened on it is closed with it.
        while try await hub.get("/api/mux/channels?agent=w")["count"]?.integer != 0 {}
        await hub.stop()
    }

    @Test("Without an agent there is no WebSocket")
    func noAgent() async throws {
        let hub = try await TestHub()
        #expect(try await RawSocketClient(port: hub.port, target: "/api/mux/ws").head.hasPrefix("HTTP/1.1 403 "))
        #expect(try await hub.get("/api/mux/ws?agent=a").status == 426)
        await hub.stop()
    }

    @Test("Where the reference server drops the connection, there is an error and it goes on")
    func errors() async throws {
        let hub = try await TestHub { $0.enforcesBandwidth = true }
        let socket = try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=w")
        socket.send("not json")
        #expect(await socket.text().contains("\"bad_json\""))
        socket.send(#"{"action":"open","target":"z","intent":"continuityd:inbox"}"#)
        let id = try #require(try JSONValue(parsing: await socket.text())["channel_id"]?.text)
        socket.send(#"{"action":"send","channel_id":"\#(id)","payload":"\#(String(repeating: "x", count: 100_001))"}"#)
        #expect(await socket.text().contains("\"too_large\""))
        let text = String(repeating: "x", count: 90_000)
        for _ in 0..<30 { socket.send(#"{"action":"send","channel_id":"\#(id)","payload":"\#(text)"}"#) }
        var answers: [String] = []
        for _ in 0..<30 { answers.append(await socket.text()) }
        #expect(answers.contains { $0.contains("\"frame_ack\"") } && answers.contains { $0.contains("\"throttled\"") })
        socket.send([1, 2, 3], opcode: 2)
        #expect(await socket.text().contains("\"binary_message\""))
        socket.send(#"{"action":"list"}"#)
        #expect(await socket.text().contains("\"frames_sent\":"))
        await hub.stop()
    }

    @Test("A message that is too large ends the connection with the code for that, and closing is answered")
    func closing() async throws {
        let hub = try await TestHub()
        let large = try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=w")
        large.connection.send([0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4])
        let refused = await large.next()
        #expect(refused.opcode == 8 && refused.bytes.prefix(2) == [0x03, 0xf1])
        let polite = try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=w")
        polite.send([0x03, 0xe8], opcode: 8)
        #expect(await polite.next().opcode == 8)
        let last = try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=w")
        last.send(#"{"action":"list"}"#)
        #expect(await last.text().contains("channel_list"))
        await hub.stop()
        let goodbye = await last.next()
        #expect(goodbye.opcode == 8 && goodbye.bytes.prefix(2) == [0x03, 0xe9])
    }

    @Test("What is sent in the moment in which HTTP ends is heard")
    func atOnce() async throws {
        let hub = try await TestHub()
        for _ in 0..<100 {
            let socket = try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=w")
            socket.send(#"{"action":"list"}"#)
            try #require(await socket.text().contains("channel_list"))
        }
        await hub.stop()
    }

    @Test("A receiver hears of frames as they come")
    func hints() async throws {
        let hub = try await TestHub()
        let receiver = try await RawSocketClient(port: hub.port, target: "/api/mux/ws?agent=bob&subscribe=true")
        try await hub.waiters(1)
        let channel = try await hub.open()
        try await hub.send(1, on: channel)
        #expect(
            await receiver.text()
                == #"{"event":"frame","channel_id":"\#(channel)","seq":0,"intent":"continuityd:inbox","#
                + #""proven":false,"tier":"sandbox","sender_key":null}"#)
        await hub.stop()
    }

    @Test("Where signatures are checked, a WebSocket needs one for a registered name and for hints")
    func access() async throws {
        let hub = try await TestHub(isOpen: false)
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        func status(_ target: String, _ headers: [String: String] = [:]) async throws -> String {
            String(
                try await RawSocketClient(port: hub.port, target: target, headers: headers).head.dropFirst(9).prefix(3))
        }
        #expect(try await status("/api/mux/ws?agent=stranger") == "101")
        #expect(try await status("/api/mux/ws?agent=stranger&subscribe=true") == "401")
        #expect(try await status("/api/mux/ws?agent=bob") == "401")
        for target in ["/api/mux/ws?agent=bob", "/api/mux/ws?agent=bob&subscribe=true"] {
            #expect(try await status(target, bob.headers("GET", target, [], host: hub.host)) == "101")
        }
        await hub.stop()
    }
}
