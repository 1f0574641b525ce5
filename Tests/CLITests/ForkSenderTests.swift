import Foundation
import Glibc
import ProgramRunner
import Testing

/// Whose forks a listener executes, and what becomes of the others.
@Suite("Senders of forks", .timeLimit(.minutes(3)))
struct ForkSenderTests {
    private let folder: WorkFolder

    init() async throws {
        folder = try WorkFolder()
        try folder.folder("lane")
        try folder.folder("back")
        for name in ["lab", "mallory", "hpc"] {
            try await tcd("identity", "init", "--identity", name, "--aint", name + ".aint")
        }
        try await pin("lab")
    }

    @discardableResult
    private func tcd(
        _ arguments: String..., environment: [String: String] = [:], exits status: Int32 = 0
    ) async throws -> Program.Outcome {
        let outcome = try await BuiltProgram.start(arguments, in: folder.url, environment: environment).outcome()
        try #require(outcome.status == status, "\(arguments): \(outcome)")
        return outcome
    }

    private func key(of name: String) async throws -> String {
        let shown = try await tcd("identity", "show", "--identity", name, "--json").objects().last
        return try #require(shown?["pubkey_hex"] as? String)
    }

    private func pin(_ name: String, as subject: String? = nil) async throws {
        try await tcd("trust", "add", "signer", subject ?? name + ".aint", try await key(of: name))
    }

    /// Makes a fork and returns its id.
    @discardableResult
    private func create(_ file: String, from actor: String, intent: String = "go on") async throws -> String {
        let made = try await tcd(
            "fork", "create", "--intent", intent, "--actor-from", actor, "--actor-to", "hpc", "-o", file, "--json")
        let id = try made.objects().last?["fork_id"] as? String
        return try #require(id)
    }

    /// Seals a fork into the directory that is listened to, and returns its id.
    private func put(_ name: String, signedBy signer: String, _ more: String...) async throws -> String {
        let id = try await create("\(name).fork.json", from: signer)
        let outcome = try await BuiltProgram.start(
            ["fork", "send", "\(name).fork.json", "--to", "./lane", "--identity", signer] + more, in: folder.url
        ).outcome()
        try #require(outcome.status == 0, "\(outcome)")
        return id
    }

    /// Listens in the directory; the command writes down what it was run for.
    private func listener(_ more: String..., environment: [String: String] = [:]) throws -> Program {
        try BuiltProgram.start(
            [
                "fork", "listen", "--agent", "hpc", "--identity", "hpc", "--inbox", "lane", "-o", "out", "--json",
                "--ack-to", "./back",
            ] + more + ["--exec", "/bin/sh", "-c", "echo \"$TIBET_FORK_STEM\" >> ran; env > environment"],
            in: folder.url, environment: environment)
    }

    private func ran() throws -> [String] {
        guard folder.holds("ran") else { return [] }
        return String(decoding: try folder.read("ran"), as: UTF8.self).split(separator: "\n").map(String.init).sorted()
    }

    /// The evidence about envelopes that were not opened, and about opened ones.
    private func evidence() throws -> [[String: Any]] {
        try folder.names("out").filter { $0.hasSuffix(".evidence.json") }.compactMap { name in
            try JSONSerialization.jsonObject(with: folder.read("out/" + name)) as? [String: Any]
        }
    }

    private func value(_ evidence: [String: Any], _ part: String, _ key: String) -> String? {
        (evidence[part] as? [String: Any])?[key] as? String
    }

    // MARK: - Envelopes

    @Test("Of five envelopes that of the pinned signer is executed; the others are kept, not opened and not answered")
    func envelopes() async throws {
        let right = try await put("right", signedBy: "lab")
        _ = try await put("unknown", signedBy: "mallory")
        _ = try await put("forged", signedBy: "mallory", "--aint", "lab.aint")
        _ = try await put("elsewhere", signedBy: "lab", "--receiver-pubkey", try await key(of: "mallory"))
        let addressed = try await put("mine", signedBy: "lab", "--receiver-pubkey", try await key(of: "hpc"))
        let outcome = try await listener("--count", "3", "--duration", "8").outcome()
        #expect(outcome.status == 3, "\(outcome)")
        #expect(try ran() == [right, addressed].sorted())
        let kept = try outcome.objects().filter { $0["event"] as? String == "fork-unopened" }
        let reasons = kept.compactMap { $0["reason"] as? String }.sorted()
        #expect(reasons == ["pin-mismatch", "unknown-signer", "wrong-receiver"], "\(outcome)")
        let written = try evidence().filter { $0["fork_id"] is NSNull }
        #expect(written.count == 3)
        let outcomes = Dictionary(
            uniqueKeysWithValues: written.compactMap { evidence in
                value(evidence, "trust", "reason").map { ($0, value(evidence, "trust", "outcome")) }
            })
        #expect(outcomes["unknown-signer"] == "triage")
        #expect(outcomes["pin-mismatch"] == "refused" && outcomes["wrong-receiver"] == "refused")
        let signatures = written.compactMap { evidence in
            ((evidence["checks"] as? [String: Any])?["signature"] as? [String: Any])?["outcome"] as? String
        }
        #expect(signatures.sorted() == ["fail", "pass", "unknown"])
        #expect(try folder.names("out").filter { $0.hasSuffix(".parcel") }.count == 2)
        #expect(try folder.names("lane").filter { $0.hasSuffix(".tza") }.count == 5)
        #expect(try folder.names("back").count == 2)
    }

    @Test("What was kept is executed by a listener that is started after the key was pinned, and once")
    func takenUpLater() async throws {
        let id = try await put("unknown", signedBy: "mallory")
        #expect(try await listener("--count", "1", "--duration", "3").outcome().status == 2)
        #expect(try ran().isEmpty)
        try await pin("mallory")
        #expect(try await listener("--count", "1", "--duration", "60").outcome().status == 0)
        #expect(try ran() == [id])
        #expect(try evidence().filter { $0["fork_id"] is NSNull }.isEmpty)
        #expect(try await listener("--count", "1", "--duration", "2").outcome().status == 2)
        #expect(try ran() == [id])
    }

    @Test("--from with a name narrows, with a key widens, and --from-anyone opens and says so")
    func chosenSenders() async throws {
        let unknown = try await put("unknown", signedBy: "mallory")
        let known = try await put("known", signedBy: "lab")
        try await pin("hpc")
        #expect(try await listener("--from", "hpc.aint", "--count", "1", "--duration", "3").outcome().status == 2)
        #expect(try ran().isEmpty)
        let byKey = try await listener("--from", try await key(of: "mallory"), "--count", "2", "--duration", "60")
            .outcome()
        #expect(byKey.status == 0 && !byKey.errors.contains("--from-anyone"), "\(byKey)")
        #expect(try ran() == [unknown, known].sorted())
        let other = try await put("other", signedBy: "mallory")
        let open = try await listener("--from-anyone", "--count", "1", "--duration", "60").outcome()
        #expect(open.status == 0 && open.errors.contains("--from-anyone: what any sender sends is executed"), "\(open)")
        #expect(try ran() == [unknown, known, other].sorted())
    }

    @Test("A token that names another sender than the proven one is kept for triage")
    func otherActor() async throws {
        try await create("claimed.fork.json", from: "ceo")
        try await tcd("fork", "send", "claimed.fork.json", "--to", "./lane", "--identity", "lab")
        let outcome = try await listener("--count", "1", "--duration", "4").outcome()
        #expect(outcome.status == 2)
        let report = try #require(try outcome.objects().last { $0["event"] as? String == "fork" })
        #expect(report["decision"] as? String == "triage" && report["reason"] as? String == "sender-mismatch")
        let checks = report["checks"] as? [String: [String: String]]
        #expect(checks?["signature"]?["outcome"] == "pass" && checks?["sender"]?["outcome"] == "fail")
        #expect(try ran().isEmpty && folder.names("back").isEmpty)
    }

    @Test("Pins that cannot be read stop the listener, and later a fork, and nothing runs")
    func damagedPins() async throws {
        let pins = try folder.read("state/trust/pins.json")
        let running = try listener()
        _ = try await running.line(containing: "\"listening\"")
        try folder.write("state/trust/pins.json", pins.dropLast(3))
        _ = try await put("forged", signedBy: "mallory", "--aint", "lab.aint")
        _ = try await running.line(containing: "pins.json", within: .seconds(60))
        #expect(try await running.stop().status == 130)
        let stopped = try await listener("--count", "1", "--duration", "5").outcome()
        #expect(stopped.status == 78 && stopped.errors.contains("pins.json"), "\(stopped)")
        #expect(try ran().isEmpty && folder.names("back").isEmpty)
    }

    // MARK: - Messages

    @Test("Of messages only those count whose sender the hub proved by the pinned key; other mail is not held")
    func messages() async throws {
        let hub = try await RunningHub([])
        let environment = ["IPOLL_API_URL": hub.url]
        for name in ["lab", "mallory", "hpc"] {
            try await tcd("hub", "register", "--url", hub.url, "--identity", name)
        }
        try folder.write("note.txt", Array("hello".utf8))
        for _ in 0..<2 {
            try await tcd(
                "send", "note.txt", "--transport", "ipoll", "--to", "hpc.aint", "--no-ains", "--identity", "lab",
                environment: environment)
        }
        let unproven = try await create("unproven.fork.json", from: "ceo")
        let file = try JSONSerialization.jsonObject(with: folder.read("unproven.fork.json")) as? [String: Any]
        let token = try #require(file?["fork"] as? [String: Any])
        _ = try await hub.post(
            "/api/ipoll/push",
            [
                "from_agent": "ceo", "to_agent": "hpc", "poll_type": "TASK", "content": "x",
                "metadata": [
                    "upip_fork": true, "fork_id": unproven, "fork_hash": token["fork_hash"] ?? "", "fork_data": token,
                ] as [String: Any],
            ])
        for (name, actor) in [("mallory", "mallory"), ("lab", "ceo"), ("lab", "lab")] {
            try await create("\(name)-\(actor).fork.json", from: actor)
            try await tcd(
                "fork", "send", "\(name)-\(actor).fork.json", "--to", "hpc", "--transport", "ipoll", "--from-agent",
                name, "--identity", name, environment: environment)
        }
        let outcome = try await BuiltProgram.start(
            [
                "fork", "listen", "--agent", "hpc", "--identity", "hpc", "-o", "out", "--json", "--count", "1",
                "--duration", "60", "--exec", "/bin/sh", "-c", "echo \"$TIBET_FORK_STEM\" >> ran",
            ], in: folder.url, environment: environment
        ).outcome()
        try #require(outcome.status == 0, "\(outcome)")
        let forks = try outcome.objects().filter { $0["event"] as? String == "fork" }
        #expect(
            forks.map { $0["reason"] as? String ?? "none" } == [
                "unproven", "unknown-signer", "sender-mismatch", "none",
            ], "\(outcome)")
        #expect(forks.map { $0["decision"] as? String } == ["triage", "triage", "triage", "taken"])
        let signatures = forks.map { ($0["checks"] as? [String: [String: String]])?["signature"]?["outcome"] }
        #expect(signatures == ["unknown", "unknown", "pass", "pass"])
        #expect(try ran() == [forks.last?["fork_id"] as? String])
        #expect(forks.last?["answered"] as? String == "lab")
        let answers = try await tcd(
            "poll", "pull", "--agent", "lab", "--identity", "lab", "--json", environment: environment)
        #expect(answers.output.contains("RESUMED_OK"))
        // What is no fork was not leased, so a consumer gets it at once.
        try await tcd(
            "ipoll-consumer", "--server", hub.url, "--agent", "hpc", "--identity", "hpc", "--inbox", "inbox",
            "--disk-reserve", "0", "--count", "2", "--duration", "20", environment: environment)
    }

    // MARK: - The command

    @Test("The command gets a short environment, and what --env names")
    func environment() async throws {
        _ = try await put("right", signedBy: "lab")
        let outcome = try await listener(
            "--env", "WANTED", "--count", "1", "--duration", "60",
            environment: ["MY_API_TOKEN": "s3cret", "WANTED": "yes", "LANG": "C.UTF-8"]
        ).outcome()
        try #require(outcome.status == 0, "\(outcome)")
        let names = Set(
            String(decoding: try folder.read("environment"), as: UTF8.self).split(separator: "\n")
                .compactMap { $0.split(separator: "=").first.map(String.init) })
        #expect(
            names.subtracting(["PWD", "SHLVL", "_", "OLDPWD", "PATH", "USER", "LOGNAME", "SHELL", "TZ", "LC_ALL"]) == [
                "HOME", "LANG", "TMPDIR", "WANTED", "TIBET_FORK_TOKEN", "TIBET_FORK_FILES", "TIBET_FORK_EVIDENCE",
                "TIBET_FORK_RESULT", "TIBET_FORK_STEM",
            ])
    }

    @Test("A command that was running when the listener was killed is not run again: its outcome is unknown")
    func killed() async throws {
        let id = try await put("right", signedBy: "lab")
        let arguments = [
            "fork", "listen", "--agent", "hpc", "--identity", "hpc", "--inbox", "lane", "-o", "out", "--json",
            "--ack-to", "./back", "--count", "1", "--duration", "60", "--exec", "/bin/sh", "-c",
            "echo \"$TIBET_FORK_STEM\" >> ran; exec sleep 600",
        ]
        let dying = try BuiltProgram.start(arguments, in: folder.url)
        let began = try await Repeated.until(within: .seconds(60)) { try self.ran() == [id] }
        try #require(began)
        let before = try #require(try evidence().first?["run"] as? [String: Any])
        #expect(before["outcome"] as? String == "started" && before["started_at"] is String)
        dying.kill()
        _ = try await dying.outcome()
        #expect(try folder.names("back").isEmpty)
        let next = try await BuiltProgram.start(arguments, in: folder.url).outcome()
        try #require(next.status == 0, "\(next)")
        #expect(try ran() == [id])
        let run = try #require(try evidence().first?["run"] as? [String: Any])
        #expect(run["outcome"] as? String == "unknown" && run["success"] as? Bool == false)
        let report = try #require(try next.objects().last { $0["event"] as? String == "fork" })
        let problem = (report["run"] as? [String: Any])?["problem"] as? String
        #expect(problem?.hasPrefix("outcome unknown") == true, "\(next)")
        let receipt = try #require(try folder.names("back").first)
        try await tcd("unpack", "back/" + receipt, "-d", "told")
        let note = try folder.names("told").map { String(decoding: try folder.read("told/" + $0), as: UTF8.self) }
        #expect(note.joined().contains("OUTCOME_UNKNOWN \(id)"))
    }

    // MARK: - Answers

    @Test("A host and port out of a claimed name are not connected to, and no receipt is left to be sent there")
    func claimedAddress() async throws {
        let listening = LoopbackListener { [folder] connection in
            _ = try? folder.write("called", [])
            close(connection)
        }
        let name = "jis:a:b@localhost:\(listening.port)"
        try await create("a.fork.json", from: name)
        try await tcd("fork", "send", "a.fork.json", "--to", "./lane", "--identity", "mallory", "--aint", name)
        let outcome = try await BuiltProgram.start(
            [
                "fork", "listen", "--agent", "hpc", "--identity", "hpc", "--inbox", "lane", "-o", "out",
                "--from-anyone", "--count", "1", "--duration", "60", "--exec", "/bin/true",
            ], in: folder.url
        ).outcome()
        #expect(
            outcome.status == 0 && outcome.errors.contains("no receipt was sent to 'jis:a:b@localhost"), "\(outcome)")
        #expect(!folder.holds("called"))
        #expect(try folder.queued().isEmpty)
        // A pinned name is no address either: only a configured route is.
        try await pin("mallory", as: name)
        try await create("b.fork.json", from: name)
        try await tcd("fork", "send", "b.fork.json", "--to", "./lane", "--identity", "mallory", "--aint", name)
        let pinned = try await listenerWithoutTarget().outcome()
        #expect(pinned.status == 0 && pinned.errors.contains("no receipt was sent"), "\(pinned)")
        #expect(!folder.holds("called"))
        #expect(try folder.queued().isEmpty)
    }

    private func listenerWithoutTarget() throws -> Program {
        try BuiltProgram.start(
            [
                "fork", "listen", "--agent", "hpc", "--identity", "hpc", "--inbox", "lane", "-o", "out", "--count",
                "1", "--duration", "60", "--exec", "/bin/true",
            ], in: folder.url)
    }
}
