import Foundation
import ProgramRunner
import Testing

extension WithThePeers {
    /// Messages and envelopes through our hub, between us and the three Python clients of mailboxes.
    @Suite("Through the mailboxes of our hub")
    struct ThroughIPoll {
        let folder: WorkFolder
        let peer: Peer
        let hub: RunningHub

        init() async throws {
            folder = try WorkFolder()
            peer = try await Peer(in: folder, .newer)
            hub = try await RunningHub()
            let identity = try await BuiltProgram.start(
                ["identity", "init", "--aint", "alice.aint"], in: folder.url
            ).outcome()
            try #require(identity.status == 0, "\(identity)")
        }

        /// Our program, as alice unless it is told otherwise.
        private func tcd(_ arguments: String..., exits status: Int32 = 0) async throws -> [[String: Any]] {
            let outcome = try await BuiltProgram.start(
                arguments + ["--json"], in: folder.url, environment: ["IPOLL_API_URL": hub.url]
            ).outcome()
            try #require(outcome.status == status, "\(outcome)")
            return try outcome.objects()
        }

        /// What a Python program prints, of which the last line is JSON.
        private func python(_ lines: String...) async throws -> Any {
            let outcome = try await peer.start(
                "python", ["-c", (["import json"] + lines).joined(separator: "\n")]
            ).outcome()
            try #require(outcome.status == 0, "\(outcome)")
            let last = try #require(outcome.output.split(separator: "\n").last)
            return try JSONSerialization.jsonObject(with: Data(last.utf8), options: .fragmentsAllowed)
        }

        private func ipoll(_ arguments: String...) async throws -> String {
            let outcome = try await peer.start("ipoll", ["--url", hub.url] + arguments).outcome()
            try #require(outcome.status == 0, "\(outcome)")
            return outcome.output
        }

        @Test("Our messages of every type are read by ainternet, by ipoll and by tibet-triage")
        func oursReadByThem() async throws {
            for type in ["PUSH", "PULL", "SYNC", "TASK", "ACK"] {
                let sent = try await tcd(
                    "poll", "send", "Bob.aint", "ünïcode \(type)", "--type", type, "--metadata", #"{"n": 1}"#)
                #expect(sent.first?["type"] as? String == type && sent.first?["from"] as? String == "alice")
            }
            #expect(try await ipoll("inbox", "bob").contains("inbox for bob (5 messages)"))
            let read = try await python(
                "from ainternet import IPoll",
                "polls = IPoll('\(hub.url)', 'bob').pull(mark_read=False)",
                "print(json.dumps([[p.from_agent, p.poll_type.value, p.content, p.metadata] for p in polls]))")
            let polls = try #require(read as? [[Any]])
            #expect(polls.map { $0[1] as? String } == ["PUSH", "PULL", "SYNC", "TASK", "ACK"])
            #expect(polls.allSatisfy { $0[0] as? String == "alice" && ($0[3] as? [String: Int]) == ["n": 1] })
            #expect(polls.first?[2] as? String == "ünïcode PUSH")
            let fork = #"{"upip_fork": true, "fork_id": "f1", "fork_data": {"fork_id": "f1", "intent": "x"}}"#
            _ = try await tcd("poll", "send", "bob", "a fork", "--type", "TASK", "--metadata", fork)
            let forks = try await python(
                "from tibet_triage.ipoll import IPollClient",
                "forks = IPollClient('\(hub.url)/api/ipoll', 'bob').pull_forks(mark_read=True)",
                "print(json.dumps(len(forks)))")
            #expect(forks as? Int == 1)
            #expect(try await ipoll("inbox", "bob").contains("no messages"))
        }

        @Test("Their messages and answers are read by us, and marked as read only when that was asked for")
        func theirsReadByUs() async throws {
            _ = try await ipoll("send", "alice.aint", "from the command", "--from", "bob", "--type", "PULL")
            _ = try await python(
                "from ainternet import IPoll",
                "poll = IPoll('\(hub.url)', 'carol').task('Alice.AINT', 'from ainternet', metadata={'a': [1, None]})",
                "print(json.dumps(poll.id))")
            for _ in 0..<2 {
                let polls = try await tcd("poll", "pull")
                #expect(polls.map { $0["from"] as? String } == ["bob", "carol"])
                #expect(polls.map { $0["type"] as? String } == ["PULL", "TASK"])
                #expect(polls.map { $0["content"] as? String } == ["from the command", "from ainternet"])
            }
            let question = try #require(try await tcd("poll", "pull", "--limit", "1").first?["id"] as? String)
            _ = try await tcd("poll", "respond", question, "an answer")
            let answer = try await python(
                "from ainternet import IPoll",
                "print(json.dumps([p.content for p in IPoll('\(hub.url)', 'bob').pull()]))")
            #expect(answer as? [String] == ["an answer"])
            #expect(try await tcd("poll", "pull", "--mark-read").map { $0["from"] as? String } == ["carol"])
            #expect(try await tcd("poll", "pull").isEmpty)
            let history = try await tcd("poll", "history", "--include-archived").compactMap { $0["content"] as? String }
            #expect(Set(history) == ["from the command", "from ainternet", "an answer"])
        }

        @Test("Our envelope's message is what the Python readers expect, and its bytes come to our consumer")
        func envelope() async throws {
            try folder.write("note.txt", Array("by I-Poll".utf8))
            let sent = try await tcd(
                "send", "note.txt", "--transport", "ipoll", "--to", "bob.aint", "--ipoll-server", hub.url, "--no-ains")
            #expect(sent.first?["carrier"] as? String == "ipoll" && sent.first?["state"] as? String == "accepted")
            let name = try #require(sent.first?["name"] as? String)
            let read = try await python(
                "from ainternet import IPoll",
                "polls = IPoll('\(hub.url)', 'bob').pull(mark_read=False)",
                "print(json.dumps([[p.poll_type.value, p.from_agent, p.metadata] for p in polls]))")
            let poll = try #require((read as? [[Any]])?.first)
            let metadata = try #require(poll[2] as? [String: Any])
            #expect(poll[0] as? String == "PUSH" && poll[1] as? String == "alice")
            #expect(metadata["envelope_name"] as? String == name)
            #expect(metadata["verification_state"] as? String == "referenced")
            #expect(metadata["schema"] as? String == "aint-send-v2")
            #expect(metadata["tbz_envelope_ref"] as? String == metadata["envelope_ref"] as? String)
            let came = try await tcd(
                "ipoll-consumer", "--agent", "bob", "--inbox", folder.path("inbox"), "--count", "1", "--duration", "30",
                "--disk-reserve", "0")
            let arrival = try #require(came.first { $0["event"] as? String == "received" })
            #expect(arrival["valid"] as? Bool == true && arrival["stored_name"] as? String == name)
            #expect(arrival["sender_aint"] as? String == "alice.aint")
        }

        @Test("Their notification of an envelope is a reference, until the envelope comes by another way")
        func reference() async throws {
            _ = try await python(
                "from ainternet.post_send import notify_via_ipoll",
                "notify_via_ipoll('carol', 'bob', 'sent.tza', 'message', 'hello', '\(hub.url)/api/ipoll')",
                "print('null')")
            let consumer = try BuiltProgram.start(
                [
                    "ipoll-consumer", "--agent", "bob", "--inbox", folder.path("inbox"), "--interval", "0.1",
                    "--disk-reserve", "0", "--json",
                ], in: folder.url, environment: ["IPOLL_API_URL": hub.url])
            let referenced = try await consumer.line(containing: #""verification_state":"referenced""#)
            #expect(
                referenced.contains(#""from_agent":"carol""#) && referenced.contains("/var/lib/tibet/inbox/sent.tza"))
            try folder.write("note.txt", Array("another way".utf8))
            _ = try await tcd("seal", "note.txt", "-o", folder.path("sent.tza"))
            _ = try await tcd(
                "send", "--sealed", folder.path("sent.tza"), "--to", folder.path("inbox") + "/", "--transport", "local")
            let present = try await consumer.line(containing: #""verification_state":"present""#)
            #expect(present.contains(#""matched_by":"name""#) && present.contains(#""stored_name":"sent.tza""#))
            let outcome = try await consumer.stop()
            #expect(outcome.status == 130)
            // Nobody said that it was verified.
            #expect(!outcome.output.contains("verified"))
        }
    }
}
