import CarrierMux
import Fabric
import Foundation
import ProgramRunner
import SystemPackage
import Testing

extension WithThePeers {
    /// Envelopes through the reference mux server, to and from the reference sender and consumer.
    @Suite("Through the reference mux server")
    struct ThroughMux {
        let folder: WorkFolder
        let peer: Peer
        let server: MuxServer

        init() async throws {
            folder = try WorkFolder()
            peer = try await Peer(in: folder)
            server = try await MuxServer.reference()
            for inbox in ["inbox", "ours/inbox"] { try folder.folder(inbox) }
        }

        private func send(_ file: String, _ options: String..., exits status: Int32 = 0) async throws -> [String: Any] {
            let outcome = try await BuiltProgram.start(
                ["send", file, "--json", "--no-ains"] + options, in: folder.url,
                environment: ["TIBET_MUX_SERVER": server.url]
            ).outcome()
            try #require(outcome.status == status, "\(outcome)")
            return try outcome.objects().first ?? [:]
        }

        /// Our consumer, which puts what comes into `ours/inbox`.
        private func consume(_ options: String...) throws -> Program {
            try BuiltProgram.start(
                [
                    "mux-consumer", "--server", server.url, "--agent", "Bob.aint", "--inbox",
                    folder.path("ours/inbox"), "--interval", "0.2", "--disk-reserve", "0", "--json",
                ] + options, in: folder.url)
        }

        private func envelopes(in inbox: String) throws -> [String] {
            try folder.names(inbox).filter { $0.hasSuffix(".tza") }
        }

        @Test("Ours to theirs: the consumer has the envelope, and tibet-drop finds it good")
        func oursToTheirs() async throws {
            let consumer = try PeerMuxConsumer(
                peer, server, agent: "bob", inbox: folder.path("inbox"), "--count", "2")
            try folder.write("a.txt", prose(5000))
            let named = try await send("a.txt", "--to", "jis:acme:ci@bob.aint", "--transport", "mux")
            let pointed = try await send(
                "a.txt", "--to", "x:y", "--transport", "mux", "--mux-server", server.url, "--mux-target", "BOB",
                "--surface-context", "second")
            for sent in [named, pointed] {
                #expect(sent["carrier"] as? String == "mux" && sent["state"] as? String == "accepted")
            }
            let outcome = try await consumer.program.outcome()
            #expect(outcome.output.contains("received=2"), "\(outcome)")
            let names = try [named, pointed].map { try #require($0["name"] as? String) }
            #expect(try envelopes(in: "inbox") == names.sorted())
            for name in names { try await peer.drop("verify", folder.path("inbox/" + name)) }
            // Nothing is left behind at the server: every channel is closed.
            let open = try await server.get("/api/mux/by-target?target=bob")
            #expect((open["channels"] as? [Any])?.isEmpty == true)
        }

        @Test("Theirs to ours: what their sender sends is in our inbox, verified, once, restart or not")
        func theirsToOurs() async throws {
            try folder.write("b.txt", prose(3000))
            for (number, options) in [[], ["--mux-keep-open"]].enumerated() {
                let sending = try await peer.start(
                    "tcd",
                    [
                        "send", folder.path("b.txt"), "--to", "x:y", "--transport", "mux", "--mux-server", server.url,
                        "--mux-target", "bob", "--surface-context", "theirs-\(number)",
                    ] + options
                ).outcome()
                try #require(sending.status == 0, "\(sending)")
                let receiving = try await consume("--count", "1").outcome()
                #expect(receiving.status == 0, "\(receiving)")
                let received = try receiving.objects().filter { $0["event"] as? String == "received" }
                // The second consumer is another process: what the first had is not brought again.
                #expect(received.count == 1 && received.first?["valid"] as? Bool == true, "\(receiving)")
                #expect(try envelopes(in: "ours/inbox").count == number + 1)
            }
            let again = try await consume("--count", "1", "--duration", "1.5").outcome()
            #expect(again.status == 2, "\(again)")
            let open = try await server.get("/api/mux/by-target?target=bob")
            #expect((open["channels"] as? [Any])?.isEmpty == true)
        }

        @Test("Exactly 74,934 bytes pass; one more is too large, with the limit, and nothing is opened")
        func limit() async throws {
            let consumer = try PeerMuxConsumer(
                peer, server, agent: "bob", inbox: folder.path("inbox"), "--count", "1")
            var configuration = MuxCarrierConfiguration()
            configuration.closingTime = .seconds(20)
            let carrier = MuxCarrier(configuration: configuration)
            let route = Route(scheme: "mux", address: server.url + "#bob")
            let name = try #require(ArrivalName("2026-05-14.tcd-send.claude.normal.tza"))
            for size in [74_934, 74_935] {
                let path = try folder.write("envelope-\(size)", noise(size))
                let envelope = try SealedEnvelope(hashing: FilePath(path), name: name)
                do throws(CarrierError) {
                    let receipt = try await carrier.deliver(envelope, along: route, reporting: .none)
                    #expect(size == 74_934 && receipt.strength == .accepted)
                } catch {
                    #expect(size == 74_935 && error.kind == .tooLarge(limit: 74_934), "\(error)")
                    #expect(error.action == .tryNextRoute && error.explanation.contains("74934"), "\(error)")
                }
            }
            let outcome = try await consumer.program.outcome()
            #expect(outcome.output.contains("received=1"), "\(outcome)")
            #expect(try folder.read("inbox/" + name.text) == Data(noise(74_934)))
            let status = try await server.get("/api/mux/status")["channels"] as? [String: Any]
            #expect(status?["total_opened"] as? Int == 1 && status?["active"] as? Int == 0)
        }

        @Test("What is too large for the server goes along the next route")
        func nextRoute() async throws {
            let receiver = try await Receiver(in: folder, inbox: "http-inbox", ["--count", "1"])
            try folder.write(
                "routes.toml",
                """
                [targets."jis:acme:ci@bob.example"]
                routes = [{ transport = "mux", address = "\(server.url)#bob" }, "\(receiver.url)"]
                """.utf8)
            try folder.write("large", noise(80_000))
            let sent = try await send("large", "--to", "jis:acme:ci@bob.example", "--routes", "routes.toml")
            #expect(sent["carrier"] as? String == "http", "\(sent)")
            #expect(try await receiver.received().map(\.isValid) == [true])
            // Insisting on mux, it is refused, and the message names the limit.
            let outcome = try await BuiltProgram.run(
                "send", "large", "--to", "jis:acme:ci@bob.example", "--routes", "routes.toml", "--transport", "mux",
                "--mux-server", server.url, in: folder.url)
            #expect(outcome.status != 0 && outcome.errors.contains("takes at most"), "\(outcome)")
        }

        @Test("Their consumer is killed and started again while we go on sending: nothing is lost")
        func consumerRestarted() async throws {
            var configuration = MuxCarrierConfiguration()
            configuration.closingTime = .milliseconds(300)
            let carrier = MuxCarrier(configuration: configuration)
            let route = Route(scheme: "mux", address: server.url + "#bob")
            var consumer: PeerMuxConsumer?
            var names: [String] = []
            for number in 0..<15 {
                // Absent at first, killed twice on the way.
                if [3, 7, 11].contains(number) {
                    consumer?.program.kill()
                    consumer = try PeerMuxConsumer(peer, server, agent: "bob", inbox: folder.path("inbox"))
                }
                let name = try #require(ArrivalName("2026-05-14.number-\(100 + number).claude.normal.tza"))
                let path = try folder.write("number-\(number)", noise(2000, seed: UInt64(number + 1)))
                let envelope = try SealedEnvelope(hashing: FilePath(path), name: name)
                _ = try await carrier.deliver(envelope, along: route, reporting: .none)
                names.append(name.text)
            }
            let all = names.sorted()
            let arrived = try await Repeated.until(within: .seconds(30)) { try self.envelopes(in: "inbox") == all }
            let found = try envelopes(in: "inbox")
            #expect(arrived, "\(found) of \(all)")
            consumer?.program.kill()
            for (number, name) in names.enumerated() {
                #expect(try folder.read("inbox/" + name) == Data(noise(2000, seed: UInt64(number + 1))))
            }
        }

        @Test("Bad frames are told and passed over, lost ones are told, and the good ones come")
        func badFrames() async throws {
            func open() async throws -> String {
                let opened = try await server.post(
                    "/api/mux/open", ["agent": "mallory", "target": "bob", "intent": "continuityd:inbox"])
                return try #require(opened["channel_id"] as? String)
            }
            func payload(_ name: String, _ text: String) -> [String: Any] {
                ["name": name, "bundle_b64": text, "size_bytes": 3]
            }
            let bad = try await open()
            for payload in [
                payload(String(repeating: "x", count: 300), "AQID"), payload("../x.tza", "AQID"),
                payload("x.tza", "AQI"), payload("x.tza", "AQIDBA=="),
            ] {
                try await server.post("/api/mux/send", ["channel_id": bad, "payload": payload])
            }
            try await server.post("/api/mux/send", ["channel_id": bad, "payload": [1, 2]])
            let many = try await open()
            for _ in 0..<12 {
                try await server.post("/api/mux/send", ["channel_id": many, "payload": payload("y.tza", "AQID")])
            }
            try folder.write("c.txt", prose(100))
            _ = try await send("c.txt", "--to", "bob.aint", "--transport", "mux")
            let receiving = try await consume("--count", "1", "--duration", "60").outcome()
            let events = try receiving.objects()
            #expect(receiving.status == 0, "\(receiving)")
            #expect(events.filter { $0["event"] as? String == "frame_rejected" }.count == 4, "\(receiving)")
            let lost = events.filter { $0["event"] as? String == "frames_lost" }
            #expect(lost.count == 1 && lost.first?["count"] as? Int == 2 && lost.first?["channel"] as? String == many)
            // Ten frames with the same bytes are one file.
            #expect(try envelopes(in: "ours/inbox").filter { $0.hasPrefix("y") } == ["y.tza"])
        }
    }
}
