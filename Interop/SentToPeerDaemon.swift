import Foundation
import ProgramRunner
import Testing

extension WithThePeers {
    /// What we send into the peer's HTTP inbox, its daemon trusts.
    @Suite("Sent to the peer's daemon")
    struct SentToPeerDaemon {
        let folder: WorkFolder

        init() throws { folder = try WorkFolder() }

        private func send(_ path: String, to daemon: PeerDaemon, _ options: String...) async throws -> [String: Any] {
            let outcome = try await BuiltProgram.start(
                ["send", path, "--to", daemon.url, "--json"] + options, in: folder.url
            ).outcome()
            try #require(outcome.status == 0, "\(outcome)")
            let object = try #require(try outcome.objects().first)
            #expect(object["carrier"] as? String == "http")
            #expect(object["resumed_from"] as? Int == 0)
            #expect(object["duplicate"] as? Bool == false)
            return object
        }

        private func expectTrusted(_ judgements: [PeerDaemon.Judgement], _ names: [String]) {
            #expect(judgements.map(\.name).sorted() == names.sorted())
            for judgement in judgements {
                #expect(
                    judgement.isValid && judgement.surfaceStatus == "MATCH" && judgement.disposition == "trusted-fork")
            }
        }

        @Test("A file, a directory and standard input end as trusted-fork")
        func trusted() async throws {
            let daemon = try await PeerDaemon(in: folder)
            try folder.write("a.txt", prose(5000))
            try SampleTree.make("tree", in: folder)
            try SampleTree.decorate("tree", in: folder)
            var names: [String] = []
            for path in ["a.txt", "tree", "-"] {
                let sent = try await send(path, to: daemon)
                names.append(try #require(sent["name"] as? String))
            }
            #expect(try daemon.arrivals() == names.sorted())
            expectTrusted(try await daemon.judgements(3), names)
            // What arrived is what was sealed, and nothing waits any more.
            #expect(try folder.queued().isEmpty)
            let unpacked = try await BuiltProgram.run(
                "unpack", folder.path("daemon/inbox/\(names[1])"), "-d", "out", in: folder.url)
            #expect(unpacked.status == 0, "\(unpacked)")
            #expect(try TreeListing(of: folder("out/tree")) == TreeListing(of: folder("tree")))
        }

        @Test("An acknowledgement is judged like any other, and a heartbeat is heard")
        func acknowledgementAndHeartbeat() async throws {
            let daemon = try await PeerDaemon(in: folder)
            let acknowledging = try await BuiltProgram.run(
                "ack", "2026-05-14.demo.claude.normal.tza", "--to", daemon.url, "--note", "got it", "--json",
                in: folder.url)
            #expect(acknowledging.status == 0, "\(acknowledging)")
            let beating = try await BuiltProgram.run(
                "heartbeat", "--to", daemon.url, "--kind-detail", "shutdown", in: folder.url)
            #expect(beating.status == 0, "\(beating)")
            let heartbeat = try await daemon.heartbeat()
            #expect(heartbeat.kind == "shutdown" && heartbeat.isVerified)
            let name = try #require(try acknowledging.objects().first?["name"] as? String)
            let judgements = try await daemon.judgements(2)
            let judged = try #require(judgements.first { $0.name == name })
            #expect(judged.isValid && judged.surfaceStatus == "MATCH" && judged.disposition == "trusted-fork")
        }

        @Test("Several in one second, and several of one day's name: none takes the place of another")
        func sameNames() async throws {
            let daemon = try await PeerDaemon(in: folder)
            var names: [String] = []
            for number in 0..<6 {
                try folder.write("a.txt", prose(100 + number))
                // The peer overwrites what has the same name, so ours must not.
                let form = number < 3 ? "second" : "2026-05-14"
                names.append(
                    try #require(try await send("a.txt", to: daemon, "--surface-time", form)["name"] as? String))
            }
            #expect(Set(names).count == 6)
            #expect(try daemon.arrivals() == names.sorted())
            expectTrusted(try await daemon.judgements(6), names)
        }

        @Test("Sent at the same moment by several processes")
        func concurrent() async throws {
            let daemon = try await PeerDaemon(in: folder)
            let sends = try (0..<4).map { number in
                try BuiltProgram.start(
                    ["send", try folder.write("\(number)/a.txt", prose(100 + number)), "--to", daemon.url, "--json"],
                    in: folder.url)
            }
            var names: [String] = []
            var keys = Set<String>()
            for send in sends {
                let outcome = try await send.outcome()
                try #require(outcome.status == 0, "\(outcome)")
                names.append(try #require(try outcome.objects().first?["name"] as? String))
            }
            expectTrusted(try await daemon.judgements(4), names)
            for name in names {
                let verdict = try await BuiltProgram.run(
                    "verify", folder.path("daemon/inbox/\(name)"), "--json", in: folder.url
                ).objects()
                keys.insert(try #require(verdict.first?["sender_pubkey"] as? String))
            }
            // There was no identity, and they made one together.
            #expect(keys.count == 1)
        }

        @Test("An envelope that could be resumed is sent in one piece, as the peer knows nothing of that")
        func largeFallsBack() async throws {
            let daemon = try await PeerDaemon(in: folder)
            try folder.write("large.bin", noise(7 << 20))
            let sent = try await send("large.bin", to: daemon)
            let name = try #require(sent["name"] as? String)
            #expect(try daemon.arrivals() == [name])
            #expect(try daemon.content(name).count == sent["sealed_bytes"] as? Int)
            expectTrusted(try await daemon.judgements(1), [name])
        }
    }
}
