import Foundation
import Glibc
import ProgramRunner
import Testing

/// Somebody presses Ctrl-C in the middle of long work on files: nothing half is left.
@Suite("Interruptions", .timeLimit(.minutes(2)))
struct InterruptionTests {
    let folder: WorkFolder

    init() throws {
        folder = try WorkFolder()
    }

    /// Makes a file of `size` bytes that takes no room.
    private func sparse(_ name: String, _ size: Int) throws {
        try folder.write(name, Data())
        try #require(truncate(folder.path(name), size) == 0)
    }

    /// The paths below the folder that have a name for what is not finished.
    private func unfinished() -> [String] {
        let paths = (try? FileManager.default.subpathsOfDirectory(atPath: folder.url.path)) ?? []
        return paths.filter { $0.hasSuffix(".part") || $0.contains(".part/") }
    }

    private func interrupt(_ program: Program, _ signal: Int32, onceThere count: Int = 1) async throws {
        #expect(try await Repeated.until(within: .seconds(20)) { unfinished().count >= count })
        program.signal(signal)
        let outcome = try await program.outcome()
        #expect(outcome.status == 130, "\(outcome)")
        #expect(outcome.errors == "tcd: interrupted\n", "\(outcome)")
        #expect(outcome.output.isEmpty, "\(outcome)")
        #expect(unfinished().isEmpty)
    }

    @Test("Sealing and sending", arguments: ["seal", "send"], [SIGINT, SIGTERM])
    func sealing(command: String, signal: Int32) async throws {
        _ = try await BuiltProgram.run("identity", "init", in: folder.url)
        try sparse("large", 64 << 30)
        let target = command == "seal" ? ["-o", "large.tza"] : ["--to", "./"]
        try await interrupt(try BuiltProgram.start([command, "large"] + target, in: folder.url), signal)
        #expect(!folder.holds("large.tza"))
    }

    @Test("Unpacking into a directory that is there, and one that is not", arguments: [".", "new"])
    func unpacking(target: String) async throws {
        try sparse("many/large", 1 << 30)
        _ = try await BuiltProgram.run("seal", "many", "-o", "many.tza", in: folder.url)
        try FileManager.default.removeItem(atPath: folder.path("many"))
        let before = try folder.names(".")
        let program = try BuiltProgram.start(["unpack", "many.tza", "-d", target], in: folder.url)
        try await interrupt(program, SIGTERM, onceThere: 2)
        #expect(try folder.names(".") == before)
    }
}
