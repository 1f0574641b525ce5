import Fabric
import Foundation
import ProgramRunner
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// What JSON costs a hub in memory.
@Suite("The cost of JSON")
struct JSONCostTests {
    /// What a hub's process takes for other things meanwhile: SQLite's cache of 16 MiB and its log, and one message that is
    /// being written.
    private static let others = 32 << 20

    @Test(
        "A body takes at most four times its bytes, whatever stands in it",
        arguments: [#"{"a":1}"#, #""""#, "[]", "1", #"{"":{"":{"":0}}}"#])
    func memory(unit: String) async throws {
        // Its directory goes with this value.
        let folder = try WorkFolder()
        defer { withExtendedLifetime(folder) {} }
        let hub = try await ProgramTests.Running(in: folder, ["--open"])
        let opened = try await hub.post("/api/mux/open", ["agent": "a", "target": "b", "intent": "x"])
        let channel = try #require(opened["channel_id"]?.text, "\(opened.text(.compact))")
        let units = Array(repeating: unit, count: (1 << 20) / 3 * 4 / (unit.utf8.count + 1)).joined(separator: ",")
        let body = Data(#"{"channel_id":"\#(channel)","payload":[\#(units)]}"#.utf8)
        let before = try Self.memory("VmRSS", of: hub.program)
        var request = URLRequest(url: try #require(URL(string: hub.url + "/api/mux/send")), timeoutInterval: 120)
        request.httpMethod = "POST"
        request.httpBody = body
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        let (data, response) = try await URLSession.shared.data(for: request)
        #expect((response as? HTTPURLResponse)?.statusCode == 200, "\(String(decoding: data, as: UTF8.self))")
        let peak = try Self.memory("VmHWM", of: hub.program)
        #expect(peak - before <= 4 * body.count + Self.others, "\(peak - before) bytes for \(body.count)")
        hub.program.kill()
    }

    /// A number of `/proc/PID/status` in bytes.
    private static func memory(_ name: String, of program: Program) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(program.id)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix(name + ":") })
        return try #require(Int(line.split(separator: " ").dropLast().last ?? "")) << 10
    }
}
