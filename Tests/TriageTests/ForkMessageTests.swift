import Fabric
import Foundation
import Testing
import Triage

/// The messages that the reference package sends, and what it reads.
@Suite("Fork messages of the peers")
struct ForkMessageTests {
    static let posts = Vectors.cases("ipoll_posts")

    static func body(_ index: Int) throws -> JSONObject { try posts[index].object("json") }

    static func token() throws -> ForkToken {
        try ForkToken(fields: #require(Vectors.cases("forks").first { $0["id"]?.text == "plain" }).object("fork"))
    }

    static let sealed = Timestamp(seconds: 1_778_740_908, nanoseconds: 207_135_000)

    @Test("A fork is handed over in the very message that the peers send")
    func delivery() throws {
        let delivery = ForkDelivery(try Self.token(), from: "lab-gpu-01", to: "hpc-cluster")
        let expected = try Self.body(0)
        #expect(delivery.content == (try expected.text("content")))
        // Not only the same value: the same order of keys as well.
        #expect(JSONValue.object(delivery.body).text(.python) == JSONValue.object(expected).text(.python))
    }

    @Test("The file goes after it as theirs does")
    func file() throws {
        let token = try Self.token()
        let delivery = ForkDelivery(token, from: "lab-gpu-01", to: "hpc-cluster")
        let base64 = Data(token.fileText.utf8).base64EncodedString()
        let expected = JSONValue.object(try Self.body(1)).text(.python)
        #expect(JSONValue.object(delivery.fileBody(base64: base64, messageID: "poll-1")).text(.python) == expected)
    }

    @Test("Good news and bad news are told as they tell them")
    func answers() throws {
        for (index, status) in [(2, ForkAnswer.Status.resumed), (3, .failed)] {
            let expected = try Self.body(index)
            let hash = "upip:" + String(repeating: "e", count: 64)
            let answer = ForkAnswer(to: try Self.token(), status, resumeHash: hash, by: "lab-gpu-01")
            let body = answer.body(to: "lab-gpu-01", at: Self.sealed)
            #expect(JSONValue.object(body).text(.python) == JSONValue.object(expected).text(.python))
            let read = try #require(ForkAnswer(expected))
            #expect(read.status == status)
            #expect(read.forkID == "fork-44783fbcfbe9")
            #expect(read.resumeHash == (status == .resumed ? hash : ""))
            #expect(read.resumedBy == "lab-gpu-01")
        }
    }

    @Test("A message without requirements has no line about them")
    func withoutRequirements() throws {
        let fields = try #require(Vectors.cases("forks").first { $0["id"]?.text == "minimal" }).object("fork")
        let delivery = ForkDelivery(try ForkToken(fields: fields), from: "a", to: "b")
        #expect(!delivery.content.contains("Requirements"))
        #expect(delivery.content.hasSuffix("\n\nFork hash: \(try fields.text("fork_hash"))"))
    }

    @Test("What is read as a fork: both spellings, and whatever truth Python sees")
    func reading() throws {
        var message = try Self.body(0)
        message["id"] = "1"
        message["created_at"] = "2026-05-14T06:41:48Z"
        let long = try #require(ForkMessage(message))
        #expect(long.sender == "lab-gpu-01")
        #expect(long.receiver == "hpc-cluster")
        #expect(long.id == "1")
        #expect(long.announcedHash == (try Self.token().hash))
        #expect(try long.token.get().hash == (try Self.token().hash))
        #expect(long.handoff == "lab-gpu-01 -> hpc-cluster")
        message["from"] = "short"
        message["type"] = "TASK"
        #expect(ForkMessage(message)?.sender == "short")
        message["type"] = "PUSH"
        #expect(ForkMessage(message) == nil)
        message["type"] = "TASK"
        var metadata = try message.object("metadata")
        for (value, isFork): (JSONValue, Bool) in [
            (1, true), ("yes", true), ([0], true), (0, false), ("", false), (.null, false), (false, false), ([], false),
        ] {
            metadata["upip_fork"] = value
            message["metadata"] = .object(metadata)
            #expect((ForkMessage(message) != nil) == isFork, "\(value)")
        }
        message["metadata"] = .null
        #expect(ForkMessage(message) == nil)
    }

    @Test("A message without a usable token is still a message")
    func withoutToken() throws {
        var message = try Self.body(0)
        var metadata = try message.object("metadata")
        for data: JSONValue? in [nil, [:], "text", .null, ["fork_id": 7]] {
            metadata["fork_data"] = data
            message["metadata"] = .object(metadata)
            let read = try #require(ForkMessage(message))
            #expect(throws: ForkFault.self) { try read.token.get() }
        }
    }

    @Test("An unknown outcome is a failure to the peers, and is told apart by our reader")
    func unknownOutcome() throws {
        let answer = ForkAnswer(to: try Self.token(), .unknown, resumeHash: "upip:x", by: "hpc-cluster")
        #expect(answer.resumeHash.isEmpty)
        #expect(answer.note == "OUTCOME_UNKNOWN \(answer.forkID)")
        let body = answer.body(to: "lab-gpu-01")
        #expect(body["metadata"]?["fork_status"]?.text == "RESUMED_FAIL")
        #expect(body["metadata"]?["outcome"]?.text == "unknown")
        #expect(body["content"]?.text?.hasPrefix("FORK RESUMED_FAIL — ") == true)
        #expect(ForkAnswer(body)?.status == .unknown)
        let failed = ForkAnswer(to: try Self.token(), .failed, resumeHash: "", by: "hpc-cluster")
        #expect(ForkAnswer(failed.body(to: "lab-gpu-01"))?.status == .failed)
    }

    @Test("An answer goes to a mailbox, and to the sender's where the actor is none")
    func receivers() throws {
        let fields = try Self.token().fields
        for (actor, sender, receiver) in [
            ("lab-gpu-01", "other", "lab-gpu-01"), ("host:who", "alice.aint", "alice.aint"), ("", "alice", "alice"),
            ("zoë", "bob", "bob"), ("a/../b", "bob", "bob"), ("host:who", "not a mailbox", nil), ("x y", nil, nil),
        ] as [(String, String?, String?)] {
            var fields = fields
            fields["actor_from"] = .text(actor)
            let token = try ForkToken(fields: fields)
            #expect(ForkAnswer.receiver(for: token, sender: sender, isProven: false) == receiver)
            // A sender that the hub proved is answered, whatever the token says.
            let proven = sender.flatMap { MailboxName.isPlain($0) ? $0 : nil }
            #expect(ForkAnswer.receiver(for: token, sender: sender, isProven: true) == proven)
        }
    }
}
