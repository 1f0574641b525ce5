import Foundation
import ProgramRunner
import Testing

extension WithThePeers {
    /// What the peer's `tcd` sends, our `tcd recv` takes, verifies and unpacks.
    @Suite("Sent by the peer")
    struct SentByPeer {
        let folder: WorkFolder
        let peer: Peer

        init() async throws {
            folder = try WorkFolder()
            peer = try await Peer(in: folder)
            try await peer.makeIdentity("bob.aint", in: "bob")
        }

        private func run(_ arguments: [String]) async throws {
            let outcome = try await peer.start("tcd", arguments).outcome()
            try #require(outcome.status == 0, "\(arguments): \(outcome)")
        }

        private func expectGood(_ arrival: Receiver.Arrival, signed: Bool = true) {
            #expect(arrival.isValid && arrival.surfaceStatus == "MATCH" && arrival.state == "manifest-verified")
            #expect(arrival.authentication == (signed ? "valid" : "none"))
            #expect(arrival.storedName == arrival.name)
        }

        @Test("A file", arguments: [100, 3_000_000])
        func file(count: Int) async throws {
            let receiver = try await Receiver(in: folder, ["--unpack", folder.path("out"), "--from-anyone"])
            try folder.write("report é.bin", noise(count))
            try await run(
                ["send", "report é.bin", "--transport", "http", "--to", receiver.url, "--identity", folder.path("bob")])
            let arrival = try #require(try await receiver.received().first)
            expectGood(arrival)
            #expect(arrival.unpacked == [folder.path("out/report é.bin")])
            #expect(try folder.read("out/report é.bin") == Data(noise(count)))
            #expect(try folder.names("inbox").filter { !$0.hasPrefix(".") } == [arrival.storedName])
        }

        @Test("A directory, and a delivery without a signature of its own")
        func directoryWithoutAuthorization() async throws {
            let receiver = try await Receiver(in: folder, ["--unpack", folder.path("out"), "--from-anyone"])
            try folder.write("tree/a.txt", prose(100))
            try folder.write("tree/sub/b.bin", noise(70_000))
            try await run(["send", "tree", "--transport", "http", "--to", receiver.url, "--no-http-auth"])
            let arrival = try #require(try await receiver.received().first)
            expectGood(arrival, signed: false)
            #expect(
                try TreeListing(of: folder("out"), contentsOnly: true)
                    == TreeListing(of: folder("tree"), contentsOnly: true))
        }

        @Test("An acknowledgement and a heartbeat")
        func acknowledgementAndHeartbeat() async throws {
            let receiver = try await Receiver(
                in: folder, ["--count", "2", "--unpack", folder.path("out"), "--from-anyone"])
            try await run(
                [
                    "ack", "2026-05-14.demo.claude.normal.tza", "--to", receiver.url, "--transport", "http",
                    "--identity", folder.path("bob"), "--note", "thanks",
                ])
            try await run(
                [
                    "heartbeat", "--to", receiver.url, "--transport", "http", "--identity", folder.path("bob"),
                    "--kind-detail", "liveness",
                ])
            let arrivals = try await receiver.received()
            try #require(arrivals.count == 2)
            for arrival in arrivals { expectGood(arrival) }
            let contents = try arrivals.map { arrival in
                let path = try #require(arrival.unpacked.first)
                let data = try Data(contentsOf: URL(fileURLWithPath: path))
                return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            }
            #expect(contents[0]["kind"] as? String == "ack")
            #expect(contents[0]["referenced"] as? String == "2026-05-14.demo.claude.normal.tza")
            #expect(contents[0]["ack_note"] as? String == "thanks")
            #expect(contents[1]["kind"] as? String == "heartbeat")
            #expect(contents[1]["kind_detail"] as? String == "liveness")
        }

        @Test("Several of one name in one inbox, all kept")
        func sameName() async throws {
            let receiver = try await Receiver(
                in: folder, ["--count", "3", "--unpack", folder.path("out"), "--from-anyone"])
            for number in 0..<3 {
                try folder.write("a.txt", prose(100 + number))
                // The peer's names have a date and nothing finer.
                try await run(["send", "a.txt", "--transport", "http", "--to", receiver.url])
            }
            let arrivals = try await receiver.received()
            #expect(Set(arrivals.map(\.name)).count == 1)
            #expect(Set(arrivals.map(\.storedName)).count == 3)
            let contents = try arrivals.flatMap(\.unpacked).map { try Data(contentsOf: URL(fileURLWithPath: $0)).count }
            #expect(contents.sorted() == [100, 101, 102])
        }
    }
}
