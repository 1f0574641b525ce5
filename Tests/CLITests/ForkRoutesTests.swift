import Foundation
import ProgramRunner
import SSHServerRunner
import Testing

/// Forks that go from agent to agent without a hub, and through a hub that checks who asks.
@Suite("Forks along other routes", .timeLimit(.minutes(3)))
struct ForkRoutesTests {
    private let folder: WorkFolder
    private let data = prose(200_000)

    init() async throws {
        folder = try WorkFolder()
        try folder.write("data.bin", data)
        try folder.folder("back")
        for name in ["parent", "worker", "eve"] {
            try await tcd("identity", "init", "--identity", name, "--aint", name + ".aint")
        }
        let shown = try await tcd("identity", "show", "--identity", "parent", "--json").objects().last
        try await tcd("trust", "add", "signer", "parent.aint", try #require(shown?["pubkey_hex"] as? String))
        try await tcd(
            "fork", "create", "--intent", "go on", "--actor-from", "parent", "--actor-to", "worker", "-o",
            "a.fork.json")
    }

    @discardableResult
    private func tcd(
        _ arguments: String..., environment: [String: String] = [:], exits status: Int32 = 0
    ) async throws -> Program.Outcome {
        let outcome = try await BuiltProgram.start(arguments, in: folder.url, environment: environment).outcome()
        try #require(outcome.status == status, "\(arguments): \(outcome)")
        return outcome
    }

    /// What a listener does: it looks whether the file came whole.
    private let comparing = ["--exec", "/bin/sh", "-c", "cmp data.bin \"$1/data.bin\""]

    /// What the listener tells of the one fork that it got.
    private func check(_ outcome: Program.Outcome) throws {
        try #require(outcome.status == 0, "\(outcome)")
        let forks = try outcome.objects().filter { $0["event"] as? String == "fork" }
        #expect(forks.count == 1)
        let checks = forks.first?["checks"] as? [String: [String: String]]
        #expect(checks?["signature"]?["outcome"] == "pass" && checks?["hash"]?["outcome"] == "pass", "\(outcome)")
        #expect((forks.first?["run"] as? [String: Any])?["success"] as? Bool == true, "\(outcome)")
        #expect(try folder.names("back").filter { $0.contains(".ack-of-") }.count == 1)
    }

    @Test("Over HTTP, straight into the listener")
    func http() async throws {
        let listener = try BuiltProgram.start(
            [
                "fork", "listen", "--agent", "worker", "--identity", "worker", "--inbox", "inbox", "--http", "--port",
                "0", "-o", "out", "--count", "1", "--duration", "100", "--json", "--disk-reserve", "0", "--ack-to",
                "./back",
            ] + comparing, in: folder.url)
        let line = try await listener.line(containing: "\"inbox\"")
        let address = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        let url = try #require(address?["url"] as? String)
        try await tcd(
            "fork", "send", "a.fork.json", "--to", url, "--transport", "http", "--with", "data.bin", "--identity",
            "parent")
        try check(try await listener.outcome())
    }

    @Test("Over SSH, into the directory that the listener watches")
    func ssh() async throws {
        let server = try await SSHServer.start()
        let sending = try await BuiltProgram.start(
            [
                "fork", "send", "a.fork.json", "--to", server.inbox, "--transport", "scp", "--with", "data.bin",
                "--identity", "parent",
            ] + (try server.clientOptions()), in: folder.url
        ).outcome()
        try #require(sending.status == 0, "\(sending)")
        let listening = try await BuiltProgram.start(
            [
                "fork", "listen", "--agent", "worker", "--identity", "worker", "--inbox", server.folder.path("inbox"),
                "-o", "out",
                "--count", "1", "--duration", "60", "--json", "--ack-to", "./back",
            ] + comparing, in: folder.url
        ).outcome()
        try check(listening)
    }

    @Test("Through a hub that checks who asks: the one whose fork it is gets it, and nobody else")
    func secured() async throws {
        let hub = try await RunningHub([])
        let environment = ["IPOLL_API_URL": hub.url]
        for name in ["parent", "worker"] {
            try await tcd("hub", "register", "--url", hub.url, "--identity", name)
        }
        try await tcd(
            "fork", "send", "a.fork.json", "--to", "worker", "--transport", "ipoll", "--with", "data.bin",
            "--identity", "parent", environment: environment)
        let stolen = try await BuiltProgram.start(
            [
                "fork", "listen", "--agent", "worker", "--identity", "eve", "-o", "stolen", "--count", "1",
                "--duration", "20",
            ], in: folder.url, environment: environment
        ).outcome()
        #expect(stolen.status == 77 && stolen.errors.contains("401"), "\(stolen)")
        let listening = try await BuiltProgram.start(
            [
                "fork", "listen", "--agent", "worker", "--identity", "worker", "-o", "out", "--count", "1",
                "--duration", "60", "--json", "--ack-to", "./back",
            ] + comparing, in: folder.url, environment: environment
        ).outcome()
        try check(listening)
    }
}
