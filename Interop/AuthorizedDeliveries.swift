import Foundation
import Glibc
import ProgramRunner
import Testing

extension WithThePeers {
    /// Required signatures and lists of trusted keys, both ways.
    @Suite("Authorized deliveries")
    struct AuthorizedDeliveries {
        let folder: WorkFolder
        let peer: Peer

        init() async throws {
            folder = try WorkFolder()
            peer = try await Peer(in: folder)
            try folder.write("a.txt", prose(1000))
        }

        private func makeIdentity(_ name: String) async throws -> String {
            let outcome = try await BuiltProgram.run("identity", "init", "--identity", name, "--json", in: folder.url)
            return try #require(try outcome.objects().first?["pubkey_hex"] as? String)
        }

        private func policy(_ key: String) -> [String: String] {
            [
                "TIBET_HTTP_REQUIRE_AUTH": "1",
                "TIBET_HTTP_TRUSTED_PUBKEYS": "\(String(repeating: "ab", count: 32)), \(key)",
            ]
        }

        private func send(_ size: Int, to url: String, _ options: String...) async throws -> Program.Outcome {
            try folder.write("sent.bin", noise(size))
            return try await BuiltProgram.start(["send", "sent.bin", "--to", url] + options, in: folder.url).outcome()
        }

        private func expectRefused(_ outcome: Program.Outcome) {
            #expect(outcome.status == 77, "\(outcome)")
            let lines = outcome.errors.split(separator: "\n").filter { !$0.contains("created the identity") }
            #expect(lines.count == 1, "\(outcome)")
            #expect(outcome.errors.contains("the far side does not accept the signature (status 401)"), "\(outcome)")
            #expect(outcome.errors.contains("send with a key that the receiver trusts"), "\(outcome)")
            #expect(outcome.errors.contains("the envelope is held as "), "\(outcome)")
        }

        @Test("The peer takes the listed key's delivery and no other, small and large", arguments: [1000, 2 << 20])
        func peerListens(size: Int) async throws {
            let listed = try await makeIdentity("listed")
            _ = try await makeIdentity("other")
            let daemon = try await PeerDaemon(in: folder, environment: policy(listed))
            expectRefused(try await send(size, to: daemon.url, "--identity", "other"))
            expectRefused(try await send(size, to: daemon.url, "--identity", "listed", "--no-http-auth"))
            #expect(try daemon.arrivals().isEmpty)
            let accepted = try await send(size, to: daemon.url, "--identity", "listed")
            #expect(accepted.status == 0, "\(accepted)")
            let judgements = try await daemon.judgements(1)
            #expect(judgements.map(\.disposition) == ["trusted-fork"])
            // The two refused ones wait in the outbox.
            #expect(try folder.queued().count == 2)
        }

        @Test("We take the listed peer's delivery and no other")
        func weListen() async throws {
            for name in ["listed", "other"] { try await peer.makeIdentity("\(name).aint", in: name) }
            let key = try folder.read("listed/identity.pub").map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
                .joined()
            let receiver = try await Receiver(in: folder, environment: policy(key.uppercased()))
            for identity in [
                ["--identity", folder.path("other")], ["--identity", folder.path("listed"), "--no-http-auth"], [],
            ] {
                let refused = try await peer.start(
                    "tcd", ["send", "a.txt", "--transport", "http", "--to", receiver.url] + identity
                ).outcome()
                #expect(refused.status == 1, "\(refused)")
                #expect(refused.errors.contains("401"), "\(refused)")
            }
            #expect(try folder.names("inbox").filter { !$0.hasPrefix(".") }.isEmpty)
            let accepted = try await peer.tcd(
                "send", "a.txt", "--transport", "http", "--to", receiver.url, "--identity", folder.path("listed"))
            #expect(accepted.status == 0, "\(accepted)")
            let arrival = try #require(try await receiver.received().first)
            #expect(arrival.authentication == "valid")
            #expect(arrival.authenticatedKey == key)
            // The list says who may deliver, and nothing about who signed.
            #expect(arrival.state == "manifest-verified")
        }

        @Test("Ours to ours: refused with another key, taken with the listed one", arguments: [1000, 2 << 20])
        func ours(size: Int) async throws {
            let listed = try await makeIdentity("listed")
            _ = try await makeIdentity("other")
            let receiver = try await Receiver(in: folder, environment: policy(listed))
            expectRefused(try await send(size, to: receiver.url, "--identity", "other"))
            let accepted = try await send(size, to: receiver.url, "--identity", "listed")
            #expect(accepted.status == 0, "\(accepted)")
            #expect(try await receiver.received().first?.state == "manifest-verified")
        }
    }
}
