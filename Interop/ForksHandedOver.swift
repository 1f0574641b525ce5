import Fabric
import Foundation
import ProgramRunner
import Testing
import Triage

extension WithThePeers {
    /// Forks between the peers' `tibet-triage` and ours, through our hub.
    @Suite("Forks handed over")
    struct ForksHandedOver {
        let folder: WorkFolder
        let peer: Peer
        let hub: RunningHub

        init() async throws {
            folder = try WorkFolder()
            peer = try await Peer(in: folder)
            hub = try await RunningHub(in: folder)
        }

        // MARK: - Both sides

        /// Runs our program, which must end well.
        @discardableResult
        private func ours(_ arguments: String..., exits status: Int32 = 0) async throws -> Program.Outcome {
            let outcome = try await start(arguments).outcome()
            try #require(outcome.status == status, "tcd \(arguments): \(outcome)")
            return outcome
        }

        private func start(_ arguments: [String]) throws -> Program {
            try BuiltProgram.start(arguments, in: folder.url, environment: ["IPOLL_API_URL": hub.url])
        }

        /// Runs a line of Python against the peers' package, and returns the JSON that it prints.
        private func theirs(_ script: String, as agent: String) async throws -> JSONValue {
            let before = """
                import json
                from tibet_triage.ipoll import IPollClient
                from tibet_triage.upip import ForkToken, load_fork, save_fork
                c = IPollClient(base_url="\(hub.url)/api/ipoll", from_agent="\(agent)")

                """
            let outcome = try await peer.start("python3", ["-W", "ignore", "-c", before + script]).outcome()
            try #require(outcome.status == 0, "\(script): \(outcome)")
            return try JSONValue(parsing: outcome.output)
        }

        /// The answers in a mailbox, as the peers' client sees them.
        private func answers(to agent: String) async throws -> [ForkAnswer] {
            let polls = try await theirs(
                "print(json.dumps(c._get('pull/\(agent)', {'mark_read': 'false'})['polls']))", as: agent)
            return (polls.list ?? []).compactMap(\.object).compactMap { ForkAnswer($0) }
        }

        private func triage(_ arguments: String...) async throws {
            let outcome = try await peer.start("tibet-triage", arguments).outcome()
            try #require(outcome.status == 0, "tibet-triage \(arguments): \(outcome)")
        }

        private static let peersFork = """
            f = ForkToken(intent_snapshot="Größe 日本 😀", actor_from="parent", actor_to="worker", fork_type="ai_to_ai",
                actor_handoff="parent -> worker", capability_required={"deps": [], "min": 2.50}, metadata={"é": [1, None]})
            save_fork(f, "theirs.fork.json")
            r = c.deliver_fork(f)
            print(json.dumps({"id": f.fork_id, "hash": f.compute_hash(), "sent": r.success}))
            """

        // MARK: - Theirs to ours

        @Test("deliver_fork, our listener with a command, and the answer that the peers read")
        func deliveredByPeer() async throws {
            let sent = try await theirs(Self.peersFork, as: "parent")
            #expect(sent["sent"]?.bool == true)
            let outcome = try await ours(
                "fork", "listen", "--from-anyone", "--agent", "worker", "-o", "out", "--count", "1", "--duration", "60",
                "--json",
                "--exec", "/bin/sh", "-c", "echo upip:made > \"$TIBET_FORK_RESULT\"")
            let reports = try outcome.objects()
            let report = try #require(reports.last)
            let id = try #require(sent["id"]?.text)
            #expect(report["fork_hash"] as? String == sent["hash"]?.text)
            #expect(report["answered"] as? String == "parent")
            // What came is stored exactly, down to the byte, as the peer's own file has it.
            #expect(try folder.read("out/\(id).fork.json") == folder.read("theirs.fork.json"))
            let answer = try #require(try await answers(to: "parent").first)
            #expect(answer.forkID == id)
            #expect(answer.status == .resumed)
            #expect(answer.resumeHash == "upip:made")
            #expect(answer.resumedBy == "worker")
            // It is settled: nobody gets it again.
            let again = try await start([
                "fork", "listen", "--from-anyone", "--agent", "worker", "-o", "other", "--count", "1", "--duration",
                "1",
            ]).outcome()
            #expect(again.status == 2)
        }

        @Test("A fork that is only kept is answered by 'fork ack'")
        func acknowledgedLater() async throws {
            let sent = try await theirs(Self.peersFork, as: "parent")
            let id = try #require(sent["id"]?.text)
            try await ours(
                "fork", "listen", "--from-anyone", "--agent", "worker", "-o", "out", "--count", "1", "--duration", "60")
            #expect(try await answers(to: "parent").isEmpty)
            try await ours("fork", "ack", "out/\(id).fork.json", "--failed")
            let answer = try #require(try await answers(to: "parent").first)
            #expect(answer.status == .failed)
            #expect(answer.resumeHash.isEmpty)
            #expect(answer.resumedBy == "worker")
        }

        @Test("A token that was changed on its way is found out, and refused when that is asked for")
        func changedOnItsWay() async throws {
            let forged = """
                f = ForkToken(intent_snapshot="good", actor_from="parent", actor_to="worker")
                def push(url, body, post=c._post):
                    body["metadata"]["fork_data"]["intent_snapshot"] = "evil"
                    return post(url, body)
                c._post = push
                print(json.dumps({"sent": c.deliver_fork(f).success, "id": f.fork_id}))
                """
            let sent = try await theirs(forged, as: "parent")
            let outcome = try await ours(
                "fork", "listen", "--from-anyone", "--agent", "worker", "-o", "out", "--count", "1", "--duration", "60",
                "--strict",
                "--json", "--exec", "/bin/sh", "-c", "touch ran")
            #expect(try outcome.objects().last?["decision"] as? String == "refused")
            #expect(!folder.holds("ran"))
            let stored = try ForkToken(parsing: Array(folder.read("out/\(sent["id"]?.text ?? "").fork.json")))
            #expect(stored.intent == "evil")
            #expect(stored.statedHash != stored.hash)
            #expect(try await answers(to: "parent").first?.status == .failed)
        }

        // MARK: - Ours to theirs

        @Test("Our fork, pulled, listened for and answered by the peers", arguments: ForkType.allCases)
        func readByPeer(type: ForkType) async throws {
            let created = try await ours(
                "fork", "create", "--intent", "Größe 日本 😀", "--fork-type", type.rawValue, "--actor-from", "parent",
                "--actor-to", "worker", "--require-deps", "pip", "--expires", "1h", "-o", "ours.fork.json", "--json")
            let reports = try created.objects()
            let made = try #require(reports.last)
            try await ours("fork", "send", "ours.fork.json", "--to", "worker", "--transport", "ipoll")
            let read = try await theirs(
                """
                p = c.pull_forks()[0]
                m = next(c.listen_forks(max_iterations=1))
                save_fork(m.fork_token, "read.fork.json")
                a = c.ack_fork(m.fork_token, "upip:theirs", True)
                print(json.dumps({"same": p.poll_id == m.poll_id, "id": m.fork_token.fork_id,
                    "hash": m.fork_token.compute_hash(), "announced": m.metadata["fork_hash"],
                    "from": m.from_agent, "type": m.fork_token.fork_type, "ok": "error" not in a}))
                """, as: "worker")
            #expect(read["same"]?.bool == true)
            #expect(read["id"]?.text == made["fork_id"] as? String)
            #expect(read["hash"]?.text == made["fork_hash"] as? String)
            #expect(read["announced"]?.text == made["fork_hash"] as? String)
            #expect(read["from"]?.text == "parent")
            #expect(read["type"]?.text == type.rawValue)
            #expect(try folder.read("read.fork.json") == folder.read("ours.fork.json"))
            let waiting = try await ours("poll", "pull", "--agent", "parent", "--json")
            #expect(waiting.output.contains("RESUMED_OK") && waiting.output.contains("upip:theirs"))
        }

        // MARK: - Command lines

        @Test("upip-fork --deliver and upip-fork-send to our listener; a bundle forked by us stays reproducible")
        func commandLines() async throws {
            try folder.write("src/a.py", "print(1)\n".utf8)
            try await triage(
                "upip-export", "-o", "s.upip.json", "-s", "src", "-i", "Zoë misst", "--", "python3", "a.py")
            try await triage(
                "upip-fork", "s.upip.json", "-o", "one.fork.json", "--actor-from", "parent", "--actor-to", "worker",
                "--deliver", "ipoll:worker", "--ipoll-url", hub.url + "/api/ipoll")
            try await triage(
                "upip-export", "-o", "t.upip.json", "-s", "src", "-i", "Zoë misst", "--", "python3", "a.py")
            try await ours(
                "fork", "create", "--from-bundle", "t.upip.json", "--actor-from", "parent", "-o", "two.fork.json")
            // The peers' own forking loses what this needs.
            try await triage("upip-reproduce", "t.upip.json")
            try await triage(
                "upip-fork-send", "two.fork.json", "worker", "--from-agent", "parent", "--ipoll-url",
                hub.url + "/api/ipoll")
            let outcome = try await ours(
                "fork", "listen", "--from-anyone", "--agent", "worker", "-o", "out", "--count", "2", "--duration", "60",
                "--json",
                "--exec", "/bin/true")
            let forks = try outcome.objects().filter { $0["event"] as? String == "fork" }
            #expect(forks.count == 2)
            for fork in forks {
                let checks = fork["checks"] as? [String: [String: String]]
                #expect(checks?["hash"]?["outcome"] == "pass")
            }
            #expect(try await answers(to: "parent").count == 2)
        }

        @Test("upip-fork-listen takes what we send, and its answer comes back")
        func peersListener() async throws {
            try folder.folder("peer-out")
            let listener = try peer.start(
                "tibet-triage",
                [
                    "upip-fork-listen", "--agent", "worker", "--ipoll-url", hub.url + "/api/ipoll", "--interval", "1",
                    "-o", folder.path("peer-out"), "-c", "true",
                ])
            let created = try await ours(
                "fork", "create", "--intent", "x", "--actor-from", "parent", "--actor-to", "worker", "-o",
                "a.fork.json",
                "--json")
            let id = try forkID(created)
            try await ours("fork", "send", "a.fork.json", "--to", "worker")
            let answered = try await Repeated.until(within: .seconds(60)) {
                try await !self.answers(to: "parent").isEmpty
            }
            listener.kill()
            let outcome = try await listener.outcome()
            #expect(answered, "the peer did not answer: \(outcome)")
            #expect(try folder.read("peer-out/\(id).fork.json") == folder.read("a.fork.json"))
            let answer = try #require(try await answers(to: "parent").first)
            #expect(answer.status == .resumed)
            #expect(answer.resumeHash.hasPrefix("upip:"))
        }

        // MARK: - Sealed

        @Test("A fork with its files goes sealed through the hub, and a sealed receipt comes back")
        func sealed() async throws {
            try await ours("identity", "init", "--aint", "parent.aint")
            try await ours("identity", "init", "--aint", "worker.aint", "--identity", "worker")
            let shown = try await ours("identity", "show", "--json").objects().last
            try await ours("trust", "add", "signer", "parent.aint", try #require(shown?["pubkey_hex"] as? String))
            try folder.write("data.bin", noise(300_000))
            let created = try await ours(
                "fork", "create", "--intent", "x", "--actor-from", "parent", "--actor-to", "worker", "-o",
                "a.fork.json", "--json")
            let id = try forkID(created)
            try await ours(
                "fork", "send", "a.fork.json", "--to", "worker", "--transport", "ipoll", "--with", "data.bin", "--wait",
                "acknowledged", exits: 75)
            let outcome = try await ours(
                "fork", "listen", "--agent", "worker", "--identity", "worker", "-o", "out", "--count", "1",
                "--duration", "60", "--json", "--exec", "/bin/sh", "-c", "cmp data.bin \"$1/data.bin\"")
            let forks = try outcome.objects().filter { $0["event"] as? String == "fork" }
            #expect(forks.count == 1)
            let checks = forks.first?["checks"] as? [String: [String: String]]
            #expect(checks?["signature"]?["outcome"] == "pass")
            #expect((forks.first?["run"] as? [String: Any])?["success"] as? Bool == true)
            #expect(try folder.read("out/\(id).fork.json") == folder.read("a.fork.json"))
            let polls = try await hub.get("/api/ipoll/pull/parent?mark_read=false")["polls"] as? [[String: Any]]
            let receipt = polls?.first?["metadata"] as? [String: Any]
            #expect((receipt?["envelope_name"] as? String)?.contains(".ack-of-") == true)
            // It is settled: nobody gets it again.
            try await ours(
                "fork", "listen", "--agent", "worker", "--identity", "worker", "-o", "other", "--count", "1",
                "--duration", "2", exits: 2)
        }

        @Test("A fork with its files goes sealed through a mux channel, and is settled when it was answered")
        func sealedThroughMux() async throws {
            try folder.write("data.bin", noise(300_000))
            try folder.folder("back")
            try await ours("fork", "create", "--intent", "x", "--actor-from", "parent", "-o", "a.fork.json")
            try await ours(
                "fork", "send", "a.fork.json", "--to", "worker", "--transport", "mux", "--mux-server", hub.url,
                "--with",
                "data.bin")
            // One that dies before it has answered leaves the fork to the next.
            let dying = try BuiltProgram.start(
                [
                    "fork", "listen", "--from-anyone", "--agent", "worker", "-o", "dying", "--from-mux", hub.url,
                    "--lease", "2",
                    "--ack-to", "./back", "--exec", "/bin/sh", "-c", "echo > begun; sleep 600",
                ], in: folder.url)
            let began = try await Repeated.until(within: .seconds(60)) { folder.holds("begun") }
            try #require(began)
            dying.kill()
            _ = try await dying.outcome()
            #expect(try folder.names("back").isEmpty)
            let outcome = try await BuiltProgram.run(
                "fork", "listen", "--from-anyone", "--agent", "worker", "-o", "out", "--from-mux", hub.url, "--count",
                "1", "--duration",
                "60", "--ack-to", "./back", "--json", "--exec", "/bin/sh", "-c", "cmp data.bin \"$1/data.bin\"",
                in: folder.url)
            try #require(outcome.status == 0, "\(outcome)")
            let fork = try outcome.objects().last { $0["event"] as? String == "fork" }
            #expect((fork?["run"] as? [String: Any])?["success"] as? Bool == true)
            #expect(try folder.names("back").count == 1)
            let again = try await BuiltProgram.run(
                "fork", "listen", "--from-anyone", "--agent", "worker", "-o", "other", "--from-mux", hub.url, "--count",
                "1",
                "--duration", "2", in: folder.url)
            #expect(again.status == 2)
        }

        // MARK: - Fragments

        @Test("Eight fragments for eight listeners, two of which are killed: each is done once, and the parent sees it")
        func fragments() async throws {
            var ids: Set<String> = []
            for index in 1...8 {
                let created = try await ours(
                    "fork", "create", "--fork-type", "fragment", "--intent", "part \(index)", "--continuation",
                    "fragment:\(index)/8", "--actor-from", "parent", "-o", "\(index).fork.json", "--json")
                ids.insert(try forkID(created))
                try await ours("fork", "send", "\(index).fork.json", "--to", "workers")
            }
            // Each has begun with one before any of them can end.
            let work = """
                echo $$ >> begun
                while [ ! -e go ]; do sleep 0.1; done
                echo "$TIBET_FORK_STEM" >> done
                """
            let listeners = try (1...8).map { index in
                try start([
                    "fork", "listen", "--from-anyone", "--agent", "workers", "-o", "out-\(index)", "--lease", "5",
                    "--exec", "/bin/sh",
                    "-c", work,
                ])
            }
            let allBegan = try await Repeated.until(within: .seconds(90)) { try self.lines("begun").count == 8 }
            let begun = try lines("begun").count
            try #require(allBegan, "only \(begun) began")
            listeners[2].kill()
            listeners[5].kill()
            _ = try await listeners[2].outcome()
            _ = try await listeners[5].outcome()
            try folder.write("go", [])
            let allAnswered = try await Repeated.until(within: .seconds(90)) {
                try await self.answers(to: "parent").count >= 8
            }
            let found = try await answers(to: "parent")
            #expect(allAnswered, "\(found.count) answers")
            #expect(found.count == 8)
            #expect(Set(found.map(\.forkID)) == ids)
            #expect(found.allSatisfy { $0.status == .resumed })
            let done = try lines("done")
            #expect(done.count == 8, "\(done)")
            #expect(Set(done) == ids)
            #expect(try lines("begun").count == 10)
            for (index, listener) in listeners.enumerated() where index != 2 && index != 5 {
                #expect(try await listener.stop().status == 130)
            }
        }

        /// The id of the fork that was made.
        private func forkID(_ outcome: Program.Outcome) throws -> String {
            let made = try outcome.objects().last?["fork_id"] as? String
            return try #require(made)
        }

        private func lines(_ name: String) throws -> [String] {
            guard folder.holds(name) else { return [] }
            return String(decoding: try folder.read(name), as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }
}
