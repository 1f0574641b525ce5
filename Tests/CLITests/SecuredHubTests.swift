import Foundation
import ProgramRunner
import Testing

/// Two agents with keys at a hub that checks who asks, and a third who is neither.
@Suite("A hub that checks who asks", .timeLimit(.minutes(2)))
struct SecuredHubTests {
    private let folder: WorkFolder
    private let hub: RunningHub

    init() async throws {
        folder = try WorkFolder()
        hub = try await RunningHub([])
        for name in ["alice", "bob", "eve"] {
            try await tcd("identity", "init", "--identity", name, "--aint", name + ".aint")
        }
        for name in ["alice", "bob"] {
            let outcome = try await tcd("hub", "register", "--url", hub.url, "--identity", name, "--json")
            #expect(outcome.output.contains(#""agent":"\#(name)""#) && outcome.output.contains(#""new":true"#))
        }
        try folder.write("note.txt", Array("for bob only".utf8))
    }

    @discardableResult
    private func tcd(_ arguments: String..., exits status: Int32 = 0) async throws -> Program.Outcome {
        let outcome = try await BuiltProgram.start(
            arguments, in: folder.url, environment: ["IPOLL_API_URL": hub.url, "TIBET_MUX_SERVER": hub.url]
        ).outcome()
        try #require(outcome.status == status, "\(arguments): \(outcome)")
        return outcome
    }

    @Test("An envelope goes from key to key, and to nobody else", arguments: ["mux", "ipoll"])
    func delivered(transport: String) async throws {
        try await tcd(
            "send", "note.txt", "--transport", transport, "--to", "bob.aint", "--no-ains", "--identity", "alice")
        let stolen = try await tcd(
            "\(transport)-consumer", "--server", hub.url, "--agent", "bob", "--identity", "eve", "--inbox", "stolen",
            "--count", "1", "--duration", "20", exits: 77)
        #expect(stolen.errors.contains("401"), "\(stolen)")
        let taken = try await tcd(
            "\(transport)-consumer", "--server", hub.url, "--agent", "bob", "--identity", "bob", "--inbox", "inbox",
            "--disk-reserve", "0", "--count", "1", "--duration", "60")
        #expect(taken.output.contains("alice.aint"), "\(taken)")
        #expect(try folder.names("inbox").filter { $0.hasSuffix(".tza") }.count == 1)
        // Nobody sends in the name of somebody who is registered.
        try await tcd(
            "send", "note.txt", "--transport", transport, "--to", "bob.aint", "--no-ains", "--identity", "eve",
            "--\(transport)-agent", "alice", exits: 77)
    }

    @Test("A receiver that is not registered is an error, and the envelope is held", arguments: ["mux", "ipoll"])
    func unregistered(transport: String) async throws {
        let refused = try await tcd(
            "send", "note.txt", "--transport", transport, "--to", hub.url + "#nosuch", "--identity", "alice",
            exits: 77)
        #expect(refused.errors.contains("'nosuch' is not registered at this hub"), "\(refused)")
        let waiting = try await tcd("outbox", "list", "--state", "held", "--json")
        #expect(waiting.output.split(separator: "\n").count == 1, "\(waiting)")
        let message = try await tcd("poll", "send", "nosuch", "hello", "--identity", "alice", exits: 77)
        #expect(message.errors.contains("'nosuch' is not registered at this hub"), "\(message)")
    }

    @Test("What is shown of a message says by which key its sender was proven")
    func proven() async throws {
        let alice = try await tcd("identity", "show", "--identity", "alice", "--json")
        let key = try #require(alice.output.firstMatch(of: /[0-9a-f]{64}/)).output
        try await tcd("poll", "send", "bob", "hello", "--identity", "alice")
        let shown = try await tcd("poll", "pull", "--identity", "bob")
        #expect(shown.output.contains("proven (registered, key \(key))"), "\(shown)")
    }

    @Test("A name that has a key is given to no other")
    func taken() async throws {
        let refused = try await tcd("hub", "register", "bob", "--url", hub.url, "--identity", "eve", exits: 77)
        #expect(refused.errors.split(separator: "\n").count == 1 && refused.errors.contains("bob"), "\(refused)")
        let again = try await tcd(
            "hub", "register", "--url", hub.url, "--identity", "bob", "--route", "http://bob.example:8443", "--json")
        #expect(again.output.contains(#""new":false"#))
    }
}
