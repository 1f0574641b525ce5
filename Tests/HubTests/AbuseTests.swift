import Fabric
import Foundation
import ProgramRunner
import SystemPackage
import Testing

@testable import Hub

/// A stranger that asks for everything at once, beside agents at work.
@Suite("Abuse")
struct AbuseTests {
    @Test(
        "While a stranger floods the hub, nothing of proven agents is refused, and what it stored is within its budget")
    func flood() async throws {
        let budget: Int64 = 300_000
        let hub = try await TestHub(isOpen: false) {
            $0.limits.requestsPerSecond = 20
            $0.limits.unprovenBytes = budget
            $0.limits.bodies = 64 << 20
        }
        let agents = try (0..<8).map { try TestAgent("agent\($0)") }
        for agent in agents { try await hub.register(agent) }
        for agent in agents { #expect(try await hub.get("/api/ipoll/pull/\(agent.name)", by: agent).status == 200) }
        try await withThrowingTaskGroup(of: [Int].self) { group in
            for lane in 0..<4 {
                group.addTask {
                    for number in 0..<150 { try await Self.abuse(hub, lane * 150 + number, agents[number % 8]) }
                    return []
                }
            }
            for (index, agent) in agents.enumerated() {
                group.addTask { try await Self.work(hub, agent, to: agents[(index + 1) % 8].name) }
            }
            for try await statuses in group { #expect(statuses.allSatisfy { (200..<300).contains($0) }, "\(statuses)") }
        }
        await hub.stop()
        let store = try await HubStore(.file(FilePath(hub.folder.path("hub.sqlite"))))
        let held = try await store.load(ofAccount: nil)
        #expect(held.items > 0 && held.bytes <= budget)
        await store.close()
        let size = try Data(contentsOf: URL(fileURLWithPath: hub.folder.path("hub.sqlite"))).count
        // What agents and schema take, and what pages are not filled.
        #expect(size < 2 * Int(budget) + (2 << 20))
    }

    /// One of a stranger's requests.
    private static func abuse(_ hub: TestHub, _ number: Int, _ victim: TestAgent) async throws {
        let name = "stranger\(number)"
        switch number % 6 {
        case 0:
            let blob: JSONValue = [
                "agent": .text(name), "to": .text(victim.name), "size_bytes": .integer(60 << 20), "name": "x",
                "digest": .text(Digest(of: Array(name.utf8)).description),
            ]
            guard let id = try await hub.post("/api/blobs", blob)["blob_id"]?.text else { return }
            _ = try await hub.ask(
                "PATCH", "/api/blobs/\(id)?agent=\(name)", bytes: [UInt8](repeating: 1, count: 100_000),
                headers: ["Upload-Offset": "0"])
        case 1:
            let channel: JSONValue = ["agent": .text(name), "target": .text(victim.name), "intent": "x"]
            guard let id = try await hub.post("/api/mux/open", channel)["channel_id"]?.text else { return }
            try await hub.send(.text(String(repeating: "x", count: 4000)), on: id)
        case 2:
            let text = String(repeating: "x", count: 4000)
            _ = try await hub.post(
                "/api/ipoll/push", ["from_agent": .text(name), "to_agent": .text(victim.name), "content": .text(text)])
        case 3:
            let thief = TestAgent(victim.name, key: try SigningKey.generate())
            #expect(try await hub.get("/api/ipoll/pull/\(victim.name)", by: thief).status >= 400)
        case 4:
            let text =
                #"{"channel_id":"x","payload":["# + Array(repeating: #"{"a":1}"#, count: 5000).joined(separator: ",")
            _ = try await hub.ask(
                "POST", "/api/mux/send", bytes: Array((text + "]}").utf8),
                headers: ["Content-Type": "application/json"])
        default: _ = try await hub.get("/api/ains/list", by: try TestAgent(name))
        }
    }

    /// What an agent does at its work; the statuses of the answers.
    private static func work(_ hub: TestHub, _ agent: TestAgent, to target: String) async throws -> [Int] {
        var statuses: [Int] = []
        for number in 0..<10 {
            let message: JSONValue = [
                "from_agent": .text(agent.name), "to_agent": .text(target), "content": .text("work \(number)"),
            ]
            statuses.append(try await hub.post("/api/ipoll/push", message, by: agent).status)
            let bytes = [UInt8](repeating: UInt8(number), count: 1000)
            let blob: JSONValue = [
                "agent": .text(agent.name), "to": .text(target), "size_bytes": .integer(bytes.count), "name": "x",
                "digest": .text(Digest(of: bytes).description),
            ]
            let made = try await hub.post("/api/blobs", blob, by: agent)
            statuses.append(made.status)
            let address = "/api/blobs/\(made["blob_id"]?.text ?? "")?agent=\(agent.name)"
            statuses.append(
                try await hub.ask("PATCH", address, bytes: bytes, headers: ["Upload-Offset": "0"], by: agent).status)
            statuses.append(try await hub.get("/api/ipoll/pull/\(agent.name)?mark_read=true", by: agent).status)
        }
        return statuses
    }
}
