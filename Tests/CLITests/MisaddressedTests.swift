import Foundation
import ProgramRunner
import Testing

/// A name that is misspelt, and the mailbox of another agent that it could lead to.
@Suite("Misspelt receivers", .serialized, .timeLimit(.minutes(2)))
struct MisaddressedTests {
    private let folder: WorkFolder
    private let hub: RunningHub
    private static let key = String(repeating: "01", count: 32)

    init() async throws {
        folder = try WorkFolder()
        hub = try await RunningHub()
        try folder.write("note.txt", Array("to the builds".utf8))
    }

    private func tcd(
        _ arguments: String..., with environment: [String: String] = [:], exits status: Int32 = 0
    ) async throws -> Program.Outcome {
        let outcome = try await BuiltProgram.start(arguments, in: folder.url, environment: environment).outcome()
        try #require(outcome.status == status, "\(arguments): \(outcome)")
        return outcome
    }

    private var atHub: [String: String] { ["IPOLL_API_URL": hub.url, "TIBET_MUX_SERVER": hub.url] }

    private func waiting(for agent: String) async throws -> Int {
        let shown = try await tcd("poll", "pull", "--agent", agent, "--server", hub.url, "--json")
        return try shown.objects().count
    }

    private func states() async throws -> [String?] {
        try await tcd("outbox", "list", "--all", "--json").objects().map { $0["state"] as? String }
    }

    @Test("A drain plans with the settings of the send, and not with its own environment")
    func settingsOfTheSend() async throws {
        // The host is there, takes nothing, and could be an agent's name.
        _ = try await tcd("send", "note.txt", "--to", "jis:acme:builds@127.0.0.77:9", "--queue")
        let drained = try await BuiltProgram.start(
            ["outbox", "drain", "--json"], in: folder.url, environment: atHub
        ).outcome()
        let id = try #require(try drained.objects().last?["id"] as? String)
        let tries = try await tcd("why", id, "--json").objects().first?["tries"] as? [[String: Any]]
        #expect(tries?.map { $0["carrier"] as? String } == ["scp", "http"], "\(drained)")
        #expect(try await waiting(for: "127.0.0.77") == 0)
        _ = try await tcd("outbox", "cancel", id)
        // The other way round: what the send had counts, though the drain has another server, and none of its own.
        try await hub.post("/api/ains/register", ["agent": "bob", "public_key": Self.key])
        _ = try await tcd("trust", "add", "ains", "bob.aint", Self.key)
        _ = try await tcd("send", "note.txt", "--to", "jis:acme:builds@bob.aint", "--queue", with: atHub)
        let elsewhere = ["IPOLL_API_URL": "http://127.0.0.1:9", "TIBET_MUX_SERVER": "http://127.0.0.1:9"]
        _ = try await tcd("outbox", "drain", with: elsewhere)
        #expect(try await states() == ["cancelled", "delivered"])
    }

    @Test("A mailbox that only the environment leads to is not used unless it is registered with the pinned key")
    func unregistered() async throws {
        let refused = try await tcd(
            "send", "note.txt", "--to", "jis:acme:builds@hots.aint", "--no-ains", with: atHub, exits: 78)
        #expect(refused.errors.contains("no key of the receiver is known"), "\(refused)")
        _ = try await tcd("trust", "add", "ains", "hots.aint", Self.key)
        let unknown = try await tcd(
            "send", "note.txt", "--to", "jis:acme:builds@hots.aint", "--no-ains", with: atHub, exits: 78)
        #expect(unknown.errors.contains("'hots' at \(hub.url) is not registered"), "\(unknown)")
        let mine = ["agent": "hots", "public_key": String(repeating: "02", count: 32)]
        try await hub.post("/api/ains/register", mine)
        let other = try await RunningHub()
        try await other.post("/api/ains/register", mine)
        let stranger = try await tcd(
            "send", "note.txt", "--to", "jis:acme:builds@hots.aint", "--no-ains", with: ["IPOLL_API_URL": other.url],
            exits: 78)
        #expect(stranger.errors.contains("is registered with another key"), "\(stranger)")
        #expect(try await waiting(for: "hots") == 0)
        #expect(try await states() == [])
        try await other.program.stop()
    }

    @Test("A mailbox that the command line names is used, for as long as the delivery waits")
    func named() async throws {
        let target = "ipoll:\(hub.url)#hots"
        _ = try await tcd("send", "note.txt", "--to", target)
        _ = try await tcd("send", "note.txt", "--to", "hots.aint", "--transport", "ipoll", "--no-ains", with: atHub)
        _ = try await tcd(
            "send", "note.txt", "--to", "jis:acme:builds@hots.aint", "--no-ains", "--ipoll-server", hub.url, "--queue")
        // A server that the drain names is not the one that the delivery was ordered for.
        _ = try await tcd("outbox", "drain", "--ipoll-server", "http://127.0.0.1:9")
        #expect(try await waiting(for: "hots") == 3)
    }

    @Test("No target becomes the agent 'self', and none that cannot work is queued")
    func noAgent() async throws {
        for target in ["x:y", "http://hub:8000"] {
            let outcome = try await tcd(
                "send", "note.txt", "--transport", "mux", "--to", target, "--queue", with: atHub, exits: 64)
            #expect(outcome.errors.contains("names no agent"), "\(outcome)")
        }
        for target in [
            "\(hub.url)#hots", "http://u:s3cret@127.0.0.1:9", "http://127.0.0.1:9/?token=s3cret", "http://127.0.0.1:0",
            "http://127.0.0.1:65536", "http://127.0.0.1:", "http://127.0.0.1:abc", "ipoll:http://u:s3cret@h#a",
            "u:s3cret@h:/in", "ipoll:http://127.0.0.1:9",
        ] {
            let outcome = try await tcd("send", "note.txt", "--to", target, "--queue", exits: 64)
            #expect(!outcome.errors.contains("s3cret"), "\(outcome)")
        }
        let secret = "http://u:s3cret@127.0.0.1:9#bob"
        _ = try await tcd("send", "note.txt", "--transport", "mux", "--to", secret, "--queue", exits: 64)
        _ = try await tcd("send", "note.txt", "--transport", "ipoll", "--to", secret, "--queue", exits: 64)
        #expect(try await states() == [])
    }
}
