import Fabric
import Foundation
import Testing
import Triage

/// Programs that are run to their end.
@Suite("Local programs", .timeLimit(.minutes(1)))
struct LocalProgramTests {
    func run(_ script: String, _ change: (inout LocalProgram) -> Void = { _ in }) throws -> LocalProgram.Outcome {
        var program = LocalProgram("/bin/sh", ["-c", script], environment: ["PATH": "/usr/bin:/bin", "A": "ä"])
        change(&program)
        return try program.run { false }
    }

    @Test("Status, both outputs, arguments and environment")
    func plain() throws {
        let outcome = try run("printf %s \"$A\"; printf oops >&2; exit 7")
        #expect(outcome.status == 7)
        #expect(!outcome.wasStopped)
        #expect(outcome.output.tail == Array("ä".utf8))
        #expect(outcome.output.digest == Digest(of: "ä".utf8))
        #expect(outcome.errors.tail == Array("oops".utf8))
        #expect(outcome.errors.size == 4)
    }

    @Test("Of long outputs the end is kept, and all of them are hashed")
    func long() throws {
        let outcome = try run("head -c 3000000 /dev/zero; printf end") { $0.keptOutput = 1000 }
        #expect(outcome.output.size == 3_000_003)
        #expect(outcome.output.tail.count == 1000)
        #expect(outcome.output.tail.suffix(3) == Array("end".utf8))
        #expect(outcome.output.digest == Digest(of: Array(repeating: UInt8(0), count: 3_000_000) + Array("end".utf8)))
    }

    @Test("When time is up everything that it started is killed")
    func time() throws {
        let outcome = try run("sleep 600 & echo $!; wait") { $0.timeLimit = .milliseconds(300) }
        #expect(outcome.wasStopped)
        #expect(outcome.status == 128 + SIGKILL)
        let child = try #require(pid_t(String(decoding: outcome.output.tail, as: UTF8.self).dropLast()))
        // Its parent is gone, so it is reaped by whoever adopts orphans; until then it is no longer running anything.
        while kill(child, 0) == 0, try !isZombie(child) { sched_yield() }
    }

    private func isZombie(_ id: pid_t) throws -> Bool {
        let text = (try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)) ?? ") Z"
        return text.split(separator: ")").last?.hasPrefix(" Z") ?? true
    }

    @Test("What it leaves running in the background is not waited for")
    func background() throws {
        let outcome = try run("sleep 600 & exit 3")
        #expect(outcome.status == 3)
    }

    @Test("It runs where it is told, with no descriptor of ours and no input")
    func surroundings() throws {
        let outcome = try run("pwd; ls /proc/self/fd | wc -l; cat") { $0.folder = "/usr" }
        // Its three, and the one with which the folder of descriptors itself is read.
        #expect(String(decoding: outcome.output.tail, as: UTF8.self) == "/usr\n4\n")
    }

    @Test("What cannot be started says why")
    func missing() throws {
        let program = LocalProgram("/nonexistent/program", [])
        #expect(throws: LocalProgram.StartFailure.self) { try program.run { false } }
        #expect(LocalProgram.find("sh")?.hasSuffix("/sh") == true)
        #expect(LocalProgram.find("no-such-program-anywhere") == nil)
    }

    @Test("A machine is looked at: its name, its Python, its GPUs")
    func survey() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("survey-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let package = folder.appendingPathComponent("site/Demo_Package.X-1.2.dist-info")
        try FileManager.default.createDirectory(at: package, withIntermediateDirectories: true)
        try "Metadata-Version: 2.1\nName: Demo_Package.X\nVersion: 1.2\n".write(
            to: package.appendingPathComponent("METADATA"), atomically: true, encoding: .utf8)
        let python = folder.appendingPathComponent("python")
        try "#!/bin/sh\nPYTHONPATH=\(folder.path)/site exec python3 \"$@\"\n".write(
            to: python, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: python.path)
        let machine = Machine.survey(python: python.path)
        #expect(!machine.host.isEmpty)
        #expect(machine.packages?["demo-package-x"] == "1.2", "\(machine.python)")
        #expect(machine.python.contains("python"))
        #expect(machine.gpuDevices.allSatisfy { FileManager.default.fileExists(atPath: $0) })
        let none = Machine.survey(python: "no-such-python")
        #expect(none.packages == nil)
        #expect(none.python == "there is no program 'no-such-python'")
    }
}
