import Foundation
import Glibc
import ProgramRunner
import Testing

/// `tcd send` and `tcd recv` together.
@Suite("Sending and receiving", .timeLimit(.minutes(3)))
struct SendAndReceiveTests {
    let folder: WorkFolder

    init() throws {
        folder = try WorkFolder()
        try folder.write("a.txt", prose(5000))
    }

    static let sendKeys = [
        "bytes", "carrier", "delivery_ms", "digest", "duplicate", "elapsed_ms", "event", "far_digest", "host_change",
        "id", "name", "next_attempt", "proof", "reason", "receipt_signer", "resumed_from", "routes", "sealed_bytes",
        "state", "stored_name", "target", "tpid",
    ]

    static let receivedKeys = [
        "assurance", "auth", "auth_key", "blocks", "canonical_name", "content_digest", "created_at", "digest", "errors",
        "event", "mismatch_class", "name", "outcome", "pin", "pin_command", "pinned_pubkey", "problem", "reason",
        "received_at", "receiver_pubkey", "remote", "resumed_from", "sender_aint", "sender_did", "sender_fingerprint",
        "sender_pubkey", "size_bytes", "stored_name", "surface_status", "tpid", "unpacked", "valid",
        "verification_state",
    ]

    /// Makes the identity that is sent with, and pins its key for its name.
    private func pinSender() async throws -> String {
        let made = try await BuiltProgram.run("identity", "init", "--json", in: folder.url)
        let identity = try #require(try made.objects().first)
        let (name, key) = (try #require(identity["aint"] as? String), try #require(identity["pubkey_hex"] as? String))
        let pinning = try await BuiltProgram.run("trust", "add", "signer", name, key, in: folder.url)
        #expect(pinning.status == 0, "\(pinning)")
        return key
    }

    @Test("A file of a pinned sender arrives, is verified and unpacked, and both sides tell the same")
    func happyPath() async throws {
        _ = try await pinSender()
        let receiver = try await Receiver(in: folder, ["--unpack", folder.path("out")])
        let sending = try await BuiltProgram.run("send", "a.txt", "--to", receiver.url, "--json", in: folder.url)
        #expect(sending.status == 0, "\(sending)")
        let receiving = try await receiver.program.outcome()
        #expect(receiving.status == 0, "\(receiving)")
        let sent = try #require(try sending.objects().first)
        let received = try #require(try receiving.objects().last)
        #expect(sent.keys.sorted() == Self.sendKeys)
        #expect(received.keys.sorted() == Self.receivedKeys)
        for key in ["name", "tpid", "digest", "stored_name"] {
            #expect(sent[key] as? String == received[key] as? String, "\(key)")
            #expect(sent[key] is String, "\(key)")
        }
        #expect(sent["event"] as? String == "sent")
        #expect(sent["state"] as? String == "stored")
        #expect(sent["target"] as? String == receiver.url)
        #expect(sent["bytes"] as? Int == 5000)
        #expect(sent["far_digest"] as? String == sent["digest"] as? String)
        #expect(sent["sealed_bytes"] as? Int == received["size_bytes"] as? Int)
        #expect(received["valid"] as? Bool == true)
        #expect(received["verification_state"] as? String == "continuation-approved")
        #expect(received["pin"] as? String == "matches")
        #expect(received["outcome"] as? String == "continue")
        #expect(received["auth"] as? String == "valid")
        #expect(try folder.read("out/a.txt") == folder.read("a.txt"))
        #expect(try folder.queued().isEmpty)
        // One line on each side, and nothing on standard error.
        #expect(receiving.errors.isEmpty, "\(receiving)")
        #expect(sending.errors.isEmpty, "\(sending)")
    }

    @Test("Who may deliver says nothing about whom to believe: a listed key approves no name, and is not unpacked")
    func deliveryListApprovesNothing() async throws {
        let made = try await BuiltProgram.run("identity", "init", "--json", in: folder.url)
        let key = try #require(try made.objects().first?["pubkey_hex"] as? String)
        let receiver = try await Receiver(
            in: folder, ["--wait", "0", "--unpack", folder.path("out")],
            environment: ["TIBET_HTTP_TRUSTED_PUBKEYS": key])
        let sending = try await BuiltProgram.run(
            "send", "a.txt", "--aint", "jis:acme:ceo@hq.aint", "--to", receiver.url, in: folder.url)
        #expect(sending.status == 0, "\(sending)")
        let line = try await receiver.program.line(containing: "\"received\"")
        receiver.program.signal(SIGINT)
        _ = try await receiver.program.outcome()
        let received = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(received["auth"] as? String == "valid")
        #expect(received["auth_key"] as? String == key)
        #expect(received["sender_aint"] as? String == "jis:acme:ceo@hq.aint")
        #expect(received["verification_state"] as? String == "manifest-verified")
        #expect(received["pin"] as? String == "unknown")
        #expect(received["outcome"] as? String == "triage")
        #expect((received["unpacked"] as? [Any])?.isEmpty == true)
        #expect(!folder.holds("out/a.txt"))
    }

    @Test("What people read")
    func forPeople() async throws {
        let receiver = try BuiltProgram.start(["recv", "--port", "0", "--inbox", "inbox"], in: folder.url)
        let line = try await receiver.line(containing: "listening on ")
        let url = try #require(line.firstMatch(of: /http:\/\/127\.0\.0\.1:\d+/)).output
        let sending = try await BuiltProgram.run("send", "a.txt", "--to", String(url), in: folder.url)
        #expect(sending.output.hasPrefix("✓ packed sealed envelope: "), "\(sending)")
        #expect(sending.output.contains("\n✓ delivered to \(url): stored"), "\(sending)")
        // The announcement of a new identity, and nothing else on standard error.
        #expect(sending.errors.split(separator: "\n").count == 1, "\(sending)")
        #expect(sending.errors.hasPrefix("tcd: created the identity '"), "\(sending)")
        let receiving = try await receiver.outcome()
        #expect(receiving.output.hasPrefix("✓ received "), "\(receiving)")
        #expect(receiving.output.contains("  ✓ valid, manifest-verified"), "\(receiving)")
    }

    @Test("Only a receipt that the receiver's pinned key signed is proven")
    func provenReceipts() async throws {
        let name = "jis:acme:builds@hq.example"
        func run(_ arguments: String...) async throws -> Program.Outcome {
            try await BuiltProgram.start(arguments, in: folder.url).outcome()
        }
        for words in [["--aint", "here.aint"], ["--identity", "other"]] {
            #expect(try await BuiltProgram.start(["identity", "init"] + words, in: folder.url).outcome().status == 0)
        }
        let key = try #require(try await run("identity", "show", "--json").objects().first?["pubkey_hex"] as? String)
        let other = try #require(
            try await run("identity", "show", "--identity", "other", "--json").objects().first?["pubkey_hex"] as? String
        )
        let receiver = try await Receiver(in: folder, ["--count", "4"])
        try folder.write("r.toml", Array("[targets.\"\(name)\"]\nroutes = [\"\(receiver.url)\"]\n".utf8))
        func send(_ arguments: String...) async throws -> Program.Outcome {
            let words = ["send", "a.txt", "--to", name, "--routes", "r.toml", "--no-ains"]
            return try await BuiltProgram.start(words + arguments, in: folder.url).outcome()
        }

        let unknown = try await send("--json")
        #expect(unknown.status == 0, "\(unknown)")
        #expect(try unknown.objects().first?["proof"] as? String == "unknown-signer")
        #expect(try unknown.objects().first?["receipt_signer"] as? String == key)

        #expect(try await run("trust", "add", "signer", name, key).status == 0)
        let proven = try await send()
        #expect(proven.output.contains(": stored, proven, "), "\(proven)")
        #expect(proven.errors.isEmpty, "\(proven)")

        #expect(try await run("trust", "rotate", "signer", name, other).status == 0)
        let foreign = try await send("--json")
        #expect(foreign.status == 0, "\(foreign)")
        let report = try #require(try foreign.objects().first)
        #expect(report["state"] as? String == "stored")
        #expect(report["proof"] as? String == "other-signer")
        #expect(foreign.errors.contains("the receipt was signed by "), "\(foreign)")
        let shown = try await run("why", try #require(report["id"] as? String))
        #expect(shown.output.contains("receipt: stored (unproven) at \(receiver.url)"), "\(shown)")

        // Pins that cannot be read stop the delivery before it begins.
        try folder.write("state/trust/pins.json", Array("{".utf8))
        let damaged = try await send()
        #expect(damaged.status == 78, "\(damaged)")
        _ = try await receiver.program.stop()
        #expect(try folder.names("inbox").filter { !$0.hasPrefix(".") }.count == 3)
    }

    @Test("Two in one second have two names, and both arrive")
    func twoInOneSecond() async throws {
        let receiver = try await Receiver(
            in: folder, ["--count", "4", "--unpack", folder.path("out"), "--from-anyone"])
        let sends = try (0..<4).map { number in
            try BuiltProgram.start(
                ["send", try folder.write("\(number).txt", prose(100 + number)), "--to", receiver.url], in: folder.url)
        }
        var created = 0
        for send in sends {
            let outcome = try await send.outcome()
            #expect(outcome.status == 0, "\(outcome)")
            created += outcome.errors.contains("created the identity") ? 1 : 0
        }
        let arrivals = try await receiver.received()
        #expect(Set(arrivals.map(\.storedName)).count == 4)
        #expect(arrivals.allSatisfy { $0.isValid && $0.surfaceStatus == "MATCH" && $0.name == $0.storedName })
        // All of them started without an identity, and all signed with the same.
        #expect(Set(arrivals.map(\.authenticatedKey)).count == 1)
        #expect(created >= 1)
        #expect(try folder.names("out") == (0..<4).map { "\($0).txt" })
    }

    @Test("The same envelope again is no second arrival")
    func twice() async throws {
        try folder.write("b.txt", prose(10))
        let receiver = try await Receiver(in: folder, ["--count", "2"])
        let seal = ["--surface-time", "2026-05-14", "-o", "2026-05-14.tcd-send.claude.normal.tza"]
        let sealing = try await BuiltProgram.start(["seal", "a.txt"] + seal, in: folder.url).outcome()
        #expect(sealing.status == 0)
        var duplicates: [Bool] = []
        for _ in 0..<2 {
            let outcome = try await BuiltProgram.run(
                "send", "--sealed", "2026-05-14.tcd-send.claude.normal.tza", "--to", receiver.url, "--json",
                in: folder.url)
            #expect(outcome.status == 0, "\(outcome)")
            duplicates.append(try outcome.objects().first?["duplicate"] as? Bool == true)
        }
        #expect(duplicates == [false, true])
        _ = try await BuiltProgram.run("send", "b.txt", "--to", receiver.url, in: folder.url)
        #expect(try await receiver.received().count == 2)
        // What the caller keeps stays.
        #expect(folder.holds("2026-05-14.tcd-send.claude.normal.tza"))
    }

    @Test("Nobody listens: the envelope waits, and the message says when it is tried again")
    func nobodyListens() async throws {
        let url = "http://127.0.0.1:\(try FreePort.find())"
        _ = try await BuiltProgram.run("identity", "init", in: folder.url)
        let outcome = try await BuiltProgram.run("send", "a.txt", "--to", url, in: folder.url)
        #expect(outcome.status == 75, "\(outcome)")
        #expect(outcome.output.isEmpty)
        #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome)")
        #expect(try folder.queued().count == 1)
        let entries = try await BuiltProgram.run("outbox", "list", "--json", in: folder.url).objects()
        let entry = try #require(entries.first)
        let id = try #require(entry["id"] as? String)
        let next = try #require(entry["next_attempt"] as? String)
        #expect(outcome.errors.hasPrefix("tcd: cannot deliver to '\(url)': "), "\(outcome)")
        #expect(
            outcome.errors.hasSuffix(
                "the envelope stays queued as \(id); 'tcd outbox drain' tries it again from \(next)\n"), "\(outcome)")
        let json = try await BuiltProgram.run("send", "a.txt", "--to", url, "--json", in: folder.url)
        #expect(try json.objects().last?["category"] as? String == "try-later")
        #expect(try json.objects().last?["exit"] as? Int == 75)
        #expect(try folder.queued().count == 2)
    }

    @Test("Nobody sends: 2; too few: 3; interrupted: 130")
    func tooFew() async throws {
        let alone = try await BuiltProgram.run("recv", "--port", "0", "--wait", "1", "--inbox", "inbox", in: folder.url)
        #expect(alone.status == 2, "\(alone)")
        #expect(alone.errors.hasSuffix("tcd: 0 of 1 came in 1 seconds\n"), "\(alone)")

        let partly = try await Receiver(in: folder, ["--count", "2", "--wait", "20"])
        _ = try await BuiltProgram.run("send", "a.txt", "--to", partly.url, in: folder.url)
        #expect(try await partly.program.outcome().status == 3)

        let interrupted = try await Receiver(in: folder)
        interrupted.program.signal(SIGINT)
        #expect(try await interrupted.program.outcome().status == 130)
    }

    @Test("An envelope that is not valid is reported, kept, not unpacked, and does not count")
    func invalidEnvelope() async throws {
        _ = try await BuiltProgram.run("seal", "a.txt", "-o", "good.tza", in: folder.url)
        var bytes = Array(try folder.read("good.tza"))
        bytes[bytes.count - 1] ^= 1
        try folder.write("2026-05-14.demo.claude.normal.tza", bytes)
        // Our own sender looks before it sends, so somebody else has to bring it.
        let refused = try await BuiltProgram.run(
            "send", "--sealed", "2026-05-14.demo.claude.normal.tza", "--to", "http://127.0.0.1:9", in: folder.url)
        #expect(refused.status == 65, "\(refused)")
        let receiver = try await Receiver(in: folder, ["--wait", "12", "--unpack", folder.path("out")])
        let sending = try await Program(
            "/usr/bin/curl",
            [
                "-sSf", "-H", "Content-Type: application/octet-stream", "--data-binary",
                "@2026-05-14.demo.claude.normal.tza",
                receiver.url + "/inbox/2026-05-14.demo.claude.normal.tza",
            ], in: folder.url
        ).outcome()
        #expect(sending.status == 0, "\(sending)")
        let receiving = try await receiver.program.outcome()
        #expect(receiving.status == 2, "\(receiving)")
        let received = try #require(try receiving.objects().last)
        #expect(received["valid"] as? Bool == false)
        #expect((received["unpacked"] as? [Any])?.isEmpty == true)
        #expect(folder.holds("inbox/2026-05-14.demo.claude.normal.tza"))
        #expect(!folder.holds("out/a.txt"))
    }
}
