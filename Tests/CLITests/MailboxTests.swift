import Foundation
import ProgramRunner
import Testing

/// Messages and envelopes through the mailboxes of our hub, as people and scripts see them.
@Suite("Mailboxes", .serialized, .timeLimit(.minutes(2)))
struct MailboxTests {
    private let folder: WorkFolder
    private let hub: RunningHub

    init() async throws {
        folder = try WorkFolder()
        hub = try await RunningHub()
        let identity = try await BuiltProgram.run("identity", "init", "--aint", "alice.aint", in: folder.url)
        try #require(identity.status == 0)
    }

    private func start(_ arguments: [String], at hub: RunningHub? = nil) throws -> Program {
        try BuiltProgram.start(
            arguments, in: folder.url, environment: ["IPOLL_API_URL": (hub ?? self.hub).url])
    }

    private func tcd(
        _ arguments: String..., at hub: RunningHub? = nil, exits status: Int32 = 0
    ) async throws -> Program.Outcome {
        let outcome = try await start(arguments, at: hub).outcome()
        try #require(outcome.status == status, "\(arguments): \(outcome)")
        return outcome
    }

    private func send(_ text: String, to agent: String = "bob") async throws -> String {
        try folder.write("note.txt", Array(text.utf8))
        let outcome = try await tcd(
            "send", "note.txt", "--transport", "ipoll", "--to", agent + ".aint", "--no-ains", "--json")
        return try #require(outcome.objects().first?["name"] as? String)
    }

    private func consumer(_ options: String..., inbox: String = "inbox") throws -> Program {
        try start(
            ["ipoll-consumer", "--agent", "bob", "--inbox", folder.path(inbox), "--disk-reserve", "0", "--json"]
                + options)
    }

    private func envelopes(_ inbox: String = "inbox") throws -> [String] {
        try folder.names(inbox).filter { $0.hasSuffix(".tza") }
    }

    @Test("A message is shown until it is marked as read, with what could move a cursor made visible")
    func messages() async throws {
        let sent = try await tcd("poll", "send", "bob.aint", "one\ntwo \u{1b}[2J", "--type", "task")
        #expect(sent.output.hasPrefix("✓ TASK alice → bob  id poll-"))
        for _ in 0..<2 {
            let shown = try await tcd("poll", "pull", "--agent", "bob")
            #expect(shown.output.hasPrefix("TASK  poll-") && shown.output.contains("alice → bob  pending"))
            #expect(shown.output.hasSuffix("\n    one\n    two \\u{1B}[2J\n"))
            #expect(shown.errors == "tcd: 1 message for bob\n")
        }
        let marked = try await tcd("poll", "pull", "--agent", "bob", "--mark-read")
        #expect(marked.errors == "tcd: 1 message for bob, marked as read\n")
        #expect(try await tcd("poll", "pull", "--agent", "bob").errors == "tcd: no messages for bob\n")
        let status = try await tcd("poll", "status")
        #expect(status.output.contains(": online\n") && status.output.contains("lease"))
    }

    @Test("Whoever waits for a message has it when it comes")
    func waiting() async throws {
        let reader = try start(["poll", "pull", "--agent", "bob", "--wait", "60", "--json"])
        _ = try await tcd("poll", "send", "bob", "now")
        let read = try await reader.outcome().objects()
        #expect(read.map { $0["content"] as? String } == ["now"])
    }

    @Test("At a hub that looks, nobody reads another's mailbox, and the owner of the key reads their own")
    func secured() async throws {
        // The identity's own key is registered, while the hub is open; then another hub over the same store looks.
        let shown = try await tcd("identity", "show", "--json").objects()
        let key = try #require(shown.first?["pubkey_hex"] as? String)
        try await hub.post("/api/ains/register", ["agent": "alice", "public_key": key])
        let secured = try await hub.replaced(by: [])
        _ = try await tcd("poll", "send", "alice", "to myself", at: secured)
        #expect(try await tcd("poll", "pull", at: secured).output.contains("to myself"))
        let refused = try await tcd("poll", "pull", "--agent", "bob", at: secured, exits: 77)
        #expect(refused.errors.contains("401") && refused.errors.split(separator: "\n").count == 1)
        try await secured.program.stop()
    }

    @Test("A consumer unpacks what known senders sent, and takes up the rest once the key is pinned")
    func unpacking() async throws {
        _ = try await send("from a stranger")
        let out = ["--unpack", folder.path("out")]
        let stranger = try start(
            ["ipoll-consumer", "--agent", "bob", "--inbox", folder.path("inbox"), "--disk-reserve", "0", "--json"] + out
        )
        let line = try await stranger.line(containing: "\"received\"")
        try await stranger.stop()
        let kept = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(kept["outcome"] as? String == "triage" && kept["reason"] as? String == "unknown-signer")
        #expect(kept["pin"] as? String == "unknown" && (kept["unpacked"] as? [Any])?.isEmpty == true)
        #expect(try envelopes().count == 1)
        #expect(!folder.holds("out/note.txt"))

        let shown = try await tcd("identity", "show", "--json").objects()
        let key = try #require(shown.first?["pubkey_hex"] as? String)
        _ = try await tcd("trust", "add", "signer", "alice.aint", key)
        let known = try await tcd(
            "ipoll-consumer", "--agent", "bob", "--inbox", folder.path("inbox"), "--disk-reserve", "0", "--json",
            "--count", "1", "--unpack", folder.path("out"))
        let taken = try #require(try known.objects().last)
        #expect(taken["verification_state"] as? String == "continuation-approved")
        #expect(try folder.read("out/note.txt") == Data("from a stranger".utf8))
    }

    @Test("Two consumers of one mailbox share what comes: each envelope is taken once")
    func twoConsumers() async throws {
        let names = try await [send("a"), send("b"), send("c"), send("d")]
        let consumers = try [consumer("--count", "4", inbox: "one"), consumer("--count", "4", inbox: "two")]
        func taken() throws -> [String] { try (envelopes("one") + envelopes("two")).sorted() }
        let isDone = try await Repeated.until(within: .seconds(60)) { (try? taken().count) == names.count }
        #expect(isDone)
        #expect(try taken() == names.sorted())
        for consumer in consumers { try await consumer.stop() }
        #expect(try taken() == names.sorted())
    }

    /// Sends the same envelope in the name of `agent`: to the hub, another message.
    private func sendSealed(_ file: String, as agent: String) async throws {
        _ = try await tcd(
            "send", "--sealed", folder.path(file), "--transport", "ipoll", "--to", "bob.aint", "--no-ains",
            "--ipoll-agent", agent)
    }

    @Test("A consumer that is killed loses nothing, and what was taken once is not put into the inbox again")
    func killed() async throws {
        try folder.write("note.txt", Array("a".utf8))
        _ = try await tcd("seal", "note.txt", "-o", folder.path("a.tza"))
        try await sendSealed("a.tza", as: "alice")
        let first = try consumer()
        _ = try await first.line(containing: #""event":"received""#)
        first.kill()
        _ = try await first.outcome()
        // Whoever works on it has taken it away when it comes once more.
        try FileManager.default.removeItem(atPath: folder.path("inbox/a.tza"))
        try await sendSealed("a.tza", as: "zoe")
        let next = try await send("b")
        let second = try await consumer("--count", "1").outcome()
        #expect(second.status == 0)
        #expect(try envelopes() == [next])
    }

    @Test("What comes twice is one envelope, and settled twice")
    func replayed() async throws {
        try folder.write("note.txt", Array("a".utf8))
        _ = try await tcd("seal", "note.txt", "-o", folder.path("a.tza"))
        for agent in ["alice", "zoe"] { try await sendSealed("a.tza", as: agent) }
        let next = try await send("b")
        let outcome = try await consumer("--count", "2", "--verbose").outcome()
        #expect(outcome.status == 0 && outcome.errors.contains("'a.tza' came before"))
        #expect(try envelopes() == [next, "a.tza"])
        #expect(try await tcd("poll", "pull", "--agent", "bob").errors == "tcd: no messages for bob\n")
    }

    @Test("A hub that is not there is told once, and asked again until it is")
    func absentHub() async throws {
        let name = try await send("a")
        let port = hub.port
        try await hub.program.stop()
        let consumer = try consumer("--count", "1")
        _ = try await consumer.line(containing: "going on")
        let next = try await RunningHub(in: hub.folder, port: port)
        let outcome = try await consumer.outcome()
        #expect(outcome.status == 0)
        #expect(try envelopes() == [name])
        #expect(outcome.errors.components(separatedBy: "going on").count == 2)
        try await next.program.stop()
    }
}
