import Foundation
import ProgramRunner
import Testing

extension WithThePeers {
    /// The peers' clients and daemons, as they are, with our `tcd hub` in the place of their servers.
    @Suite("Through our hub")
    struct ThroughOurHub {
        let folder: WorkFolder
        let peer: Peer
        let hub: Program
        let url: String

        init() async throws {
            folder = try WorkFolder()
            peer = try await Peer(in: folder)
            hub = try BuiltProgram.start(["hub", "--json", "--open", "--port", "0", "--reserve", "0"], in: folder.url)
            let line = try await hub.line(containing: "\"listening\"")
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            url = try #require(object?["url"] as? String)
        }

        /// Runs one of the peers' programs, and returns what it printed.
        @discardableResult
        private func run(_ program: String, _ arguments: [String]) async throws -> String {
            let outcome = try await peer.start(program, arguments).outcome()
            try #require(outcome.status == 0, "\(program) \(arguments): \(outcome)")
            return outcome.output
        }

        /// Runs a script with the peers' packages; it gets the hub's URL, and says what is wrong by failing.
        private func python(_ script: String) async throws -> String { try await run("python", ["-c", script, url]) }

        @Test("The mux client and its command line")
        func muxClient() async throws {
            let output = try await python(
                """
                import sys
                from tibet_mux.client import MuxClient
                alice = MuxClient(sys.argv[1], "Alice.aint")
                assert alice.status()["status"] == "operational"
                assert alice.intents()["intents"]["chat"]["backend"] == "ipoll"
                opened = alice.open("bob.aint", "chat", {"k": 1})
                channel = opened["channel_id"]
                assert (opened["agent"], opened["target"], opened["state"]) == ("alice", "bob", "open"), opened
                assert [alice.send(channel, {"n": n})["seq"] for n in range(3)] == [0, 1, 2]
                shown = alice.channel(channel)
                assert [f["payload"]["n"] for f in shown["recent_frames"]] == [0, 1, 2], shown
                assert shown["metadata"] == {"k": 1} and shown["frames_sent"] == 3, shown
                assert [c["id"] for c in alice.channels()["channels"]] == [channel]
                assert alice.close(channel, "done")["state"] == "closed"
                assert alice.channels()["count"] == 0
                print("all well")
                """)
            #expect(output.contains("all well"))
            let opened = try await run(
                "tibet-mux", ["open", "--url", url, "--agent", "carol", "--target", "dave", "--intent", "push"])
            let channel = try #require(opened.firstMatch(of: /ch-[0-9a-f]{16}/)?.output).description
            try await run("tibet-mux", ["send", "--url", url, "--channel", channel, "--payload", #"{"a": 1}"#])
            #expect(try await run("tibet-mux", ["channels", "--url", url, "--agent", "carol"]).contains(channel))
            try await run("tibet-mux", ["close", "--url", url, "--channel", channel])
            #expect(try await run("tibet-mux", ["status", "--url", url]).contains("operational"))
            #expect(try await run("tibet-mux", ["intents", "--url", url]).contains("tibet:ping"))
            try await hub.stop()
        }

        /// Packs so many files, and puts them into one channel to bob with the peers' client.
        private func sendEnvelopes(_ count: Int) async throws {
            for number in 0..<count {
                try folder.write("\(number).txt", prose(500 + number))
                try await peer.drop(
                    "pack", "--identity", "alice", "--receiver-aint", "bob", "--receiver-pubkey",
                    String(repeating: "0", count: 64), "--input", "\(number).txt", "--output", "\(number).tza")
            }
            let output = try await python(
                """
                import base64, sys
                from tibet_mux.client import MuxClient
                client = MuxClient(sys.argv[1], "alice")
                channel = client.open("bob", "continuityd:inbox")["channel_id"]
                for number in range(\(count)):
                    data = open(f"{number}.tza", "rb").read()
                    client.send(channel, {"bundle_b64": base64.b64encode(data).decode(), "name": f"n{number}.tza",
                                          "size_bytes": len(data)})
                print("sent")
                """)
            #expect(output.contains("sent"))
        }

        private func consume(_ count: Int) async throws {
            try await run(
                "tcd",
                [
                    "mux-consumer", "--server", url, "--agent", "bob", "--inbox", folder.path("inbox"), "--count",
                    "\(count)", "--duration", "30",
                ])
        }

        @Test("What tcd sends over mux its consumer gets")
        func sentAndConsumed() async throws {
            try await peer.makeIdentity("alice.aint", in: "alice")
            try folder.write("file.bin", noise(30_000))
            try folder.folder("inbox")
            try await run(
                "tcd",
                [
                    "send", "file.bin", "--transport", "mux", "--mux-server", url, "--to", "x:y", "--mux-target",
                    "bob", "--identity", folder.path("alice"),
                ])
            try await consume(1)
            let name = try #require(try folder.names("inbox").first { $0.hasSuffix(".tza") })
            let outcome = try await BuiltProgram.run("verify", folder.path("inbox/" + name), in: folder.url)
            #expect(outcome.status == 0, "\(outcome)")
            try await hub.stop()
        }

        @Test("A consumer that stops in the middle and is started again gets everything")
        func restartedConsumer() async throws {
            try await peer.makeIdentity("alice.aint", in: "alice")
            try folder.folder("inbox")
            try await sendEnvelopes(12)
            try await consume(5)
            // Its memory is gone: some it gets again, and the ones beyond the first ten as well.
            try await consume(10)
            #expect(try Set(folder.names("inbox")) == Set((0..<12).map { "n\($0).tza" }))
            try await hub.stop()
        }

        @Test("The daemon's consumer takes all frames of a channel, also those beyond the last ten")
        func daemon() async throws {
            try await peer.makeIdentity("alice.aint", in: "alice")
            let daemon = try await PeerDaemon(
                in: folder,
                environment: ["TIBET_CONTINUITYD_MUX_SERVER": url, "TIBET_CONTINUITYD_MUX_AGENT": "bob"])
            try await sendEnvelopes(15)
            let all = try await Repeated.until(within: .seconds(30)) {
                try daemon.arrivals().filter { $0.hasSuffix(".tza") }.count == 15
            }
            let arrivals = try daemon.arrivals()
            #expect(all, "\(arrivals)")
            for number in 0..<15 {
                #expect(try daemon.content("n\(number).tza") == (try folder.read("\(number).tza")))
            }
            try await daemon.stop()
            try await hub.stop()
        }

        @Test("Forks from agent to agent over I-Poll, and their acknowledgement")
        func forks() async throws {
            let output = try await python(
                """
                import sys
                from tibet_triage.ipoll import IPollClient
                from tibet_triage.upip import ForkToken
                base = sys.argv[1] + "/api/ipoll"
                alice, bob = IPollClient(base, "alice"), IPollClient(base, "bob")
                assert "error" not in alice.status(), alice.status()
                token = ForkToken(fork_id="fork-1", fork_type="script_to_ai", intent_snapshot="é日本", actor_from="alice",
                                  actor_to="bob", actor_handoff="alice -> bob", continuation_point="L3:1")
                sent = alice.deliver_fork(token)
                assert sent.success, sent
                # Something else in the mailbox is left alone.
                alice._post("push", {"from_agent": "alice", "to_agent": "bob", "content": "hi", "poll_type": "PUSH",
                                     "metadata": {}})
                forks = bob.pull_forks(mark_read=True)
                assert len(forks) == 1 and forks[0].fork_token.fork_id == "fork-1", forks
                assert forks[0].fork_token.intent_snapshot == "é日本"
                assert bob.pull_forks(mark_read=True) == []
                bob.ack_fork(forks[0].fork_token, "sha256:aa", success=True)
                polls = alice._get("pull/alice", {"mark_read": "true"})["polls"]
                assert [(p["type"], p["metadata"]["fork_status"]) for p in polls] == [("ACK", "RESUMED_OK")], polls
                print("all well")
                """)
            #expect(output.contains("all well"))
            try await hub.stop()
        }
    }
}
