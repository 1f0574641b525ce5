import Fabric
import Foundation
import Hub
import ProgramRunner
import Testing

/// What was recorded of the reference mux server, asked of the hub in the same order (`vectors/mux.json`).
@Suite("As the reference mux server answered")
struct RecordedMuxTests {
    static func vectors(_ name: String) throws -> JSONValue {
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("FabricTests/Vectors/" + name)
        return try JSONValue(parsing: Array(try Data(contentsOf: url)))
    }

    /// Members whose values are each server's own.
    static let volatile: Set<String> = [
        "tbz_hash", "tbz_chain", "timestamp", "opened_at", "closed_at", "last_activity", "uptime_since", "security",
        "tokens_remaining",
    ]

    /// What is wrong with `ours` where `theirs` was recorded; members that only we have are no fault.
    static func differences(_ ours: JSONValue, _ theirs: JSONValue, at path: String = "") -> [String] {
        switch (ours, theirs) {
        case (.object(let mine), .object(let recorded)):
            return recorded.members.flatMap { key, value -> [String] in
                guard let own = mine[key] else { return ["\(path).\(key) is missing"] }
                return volatile.contains(key) ? [] : differences(own, value, at: "\(path).\(key)")
            }
        case (.list(let mine), .list(let recorded)):
            guard mine.count == recorded.count else { return ["\(path) has \(mine.count) for \(recorded.count)"] }
            return zip(mine, recorded).enumerated().flatMap { differences($1.0, $1.1, at: "\(path)[\($0)]") }
        default:
            let (mine, recorded) = (ours.text(.compact), theirs.text(.compact))
            return mine == recorded ? [] : ["\(path) is \(mine) for \(recorded)"]
        }
    }

    @Test("Every recorded request has the recorded answer")
    func requests() async throws {
        let hub = try await TestHub()
        var ids: [(theirs: String, ours: String)] = []
        func translated(_ text: String) -> String {
            ids.reduce(text) { $0.replacingOccurrences(of: $1.theirs, with: $1.ours) }
        }
        var asked = 0
        for entry in try #require(Self.vectors("mux.json")["http"]?.list) {
            guard let method = entry["method"]?.text, let path = entry["path"]?.text, !path.contains("{"),
                let status = entry["status"]?.integer, let recorded = entry["response"],
                method == "GET" || entry["request"] != nil || entry["request_text"] != nil
            else { continue }
            let body =
                entry["request_text"]?.text ?? entry["request"].map { translated($0.text(.compact)) }
            let answer = try await hub.ask(
                method, translated(path), bytes: body.map { Array($0.utf8) },
                headers: ["Content-Type": "application/json"])
            asked += 1
            if let theirs = recorded["channel_id"]?.text, let ours = answer["channel_id"]?.text, path.hasSuffix("open")
            {
                ids.append((theirs, ours))
            }
            let expected = try JSONValue(parsing: translated(recorded.text(.compact)))
            let differences = Self.differences(answer.json, expected)
            #expect(answer.status == Int(status), "\(method) \(path): \(answer.json.text(.compact))")
            #expect(differences.isEmpty, "\(method) \(path): \(differences)")
        }
        #expect(asked == 22)
        await hub.stop()
    }

    @Test("The thirty-third open channel of one agent is refused, and another agent's is not")
    func manyChannels() async throws {
        let hub = try await TestHub()
        for _ in 0..<32 { _ = try await hub.open() }
        let refused = try await hub.post(
            "/api/mux/open", ["agent": "alice", "target": "bob", "intent": "x"])
        #expect(refused.status == 429 && refused.detail == "Max 32 open channels per agent")
        #expect(refused.headers["retry-after"] != nil)
        _ = try await hub.open(from: "carol")
        await hub.stop()
    }

    @Test("Of twelve frames the ten oldest are shown, and the others once those are taken: none is lost")
    func oldestFirst() async throws {
        let hub = try await TestHub()
        let channel = try await hub.open()
        for number in 0..<12 { try await hub.send(.integer(number), on: channel) }
        func shown() async throws -> [Int64] {
            try #require(try await hub.get("/api/mux/channel/\(channel)")["recent_frames"]?.list)
                .compactMap { $0["payload"]?.integer }
        }
        #expect(try await shown() == Array(0..<10))
        _ = try await hub.post(
            "/api/mux/close", ["channel_id": .text(channel), "reason": "consumer_received"])
        #expect(try await shown() == [10, 11])
        let listed = try await hub.get("/api/mux/by-target?target=bob&include_closed=true")["channels"]?.list
        #expect(listed?.count == 1)
        await hub.stop()
    }

    @Test("Classes of bandwidth refuse what the reference server refused, where they are enforced")
    func bandwidth() async throws {
        let hub = try await TestHub { $0.enforcesBandwidth = true }
        let channel = try await hub.open()
        func frame(_ length: Int) -> JSONValue { .text(String(repeating: "x", count: length - 2)) }
        #expect(try await hub.send(frame(100_000), on: channel).status == 200)
        let tooLarge = try await hub.send(frame(100_001), on: channel)
        #expect(tooLarge.status == 413 && tooLarge["limit"]?.integer == 100_000)
        // A second brings two frames' worth: of many at once some are too much.
        let answers = try await withThrowingTaskGroup(of: TestAnswer.self) { group in
            for _ in 0..<30 { group.addTask { try await hub.send(frame(99_000), on: channel) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let throttled = try #require(answers.first { $0.status == 409 })
        #expect(throttled.detail == "Channel \(channel) throttled (intent=continuityd:inbox, priority=5)")
        let stream = try await hub.open(intent: "stream")
        for _ in 0..<3 { #expect(try await hub.send(frame(500_000), on: stream).status == 200) }
        await hub.stop()
    }

    @Test("Nothing is refused for its size below the largest message where they are not")
    func noClasses() async throws {
        let hub = try await TestHub()
        let channel = try await hub.open()
        for _ in 0..<3 {
            let answer = try await hub.send(.text(String(repeating: "x", count: 1_000_000)), on: channel)
            #expect(answer.status == 200)
        }
        let tooLarge = try await hub.send(.text(String(repeating: "x", count: 1_500_000)), on: channel)
        #expect(tooLarge.status == 413 && tooLarge.code == "too_large")
        #expect((tooLarge["limit"]?.integer ?? 0) > 1 << 20)
        await hub.stop()
    }
}
