import Foundation
import Glibc
import ProgramRunner
import Testing

extension WithThePeers {
    /// An identity directory made by one side serves the other.
    @Suite("Identities, exchanged")
    struct IdentitiesExchanged {
        let folder: WorkFolder
        let peer: Peer

        init() async throws {
            folder = try WorkFolder()
            peer = try await Peer(in: folder)
            try folder.write("a.txt", prose(100))
        }

        @Test("Theirs is refused while its key lies open, and serves us once it is closed")
        func theirsForUs() async throws {
            try await peer.makeIdentity("bob.aint", in: "bob")
            let refused = try await BuiltProgram.run(
                "seal", "a.txt", "-o", "a.tza", "--identity", "bob", in: folder.url)
            #expect(refused.status == 78)
            #expect(refused.errors.contains("is open to others (mode 644)"), "\(refused)")
            #expect(refused.errors.contains("chmod 600"), "\(refused)")
            #expect(!folder.holds("a.tza"))

            try #require(chmod(folder.path("bob/identity.priv"), 0o600) == 0)
            let before = try TreeListing(of: folder("bob"))
            let sealed = try await BuiltProgram.run(
                "seal", "a.txt", "-o", "a.tza", "--identity", "bob", in: folder.url)
            #expect(sealed.status == 0, "\(sealed)")
            #expect(try TreeListing(of: folder("bob")) == before)
            let manifest = try await peer.manifest(of: "a.tza")
            #expect(manifest["sender_aint"] as? String == "bob.aint")
            #expect(manifest["sender_pubkey"] as? String == hex(try folder.read("bob/identity.pub")))
            try await peer.drop("verify", "a.tza")
        }

        @Test("Ours serves them")
        func oursForThem() async throws {
            let created = try await BuiltProgram.run(
                "identity", "init", "--aint", "alice.aint", "--json", in: folder.url)
            let object = try #require(try created.objects().first)
            try await peer.drop(
                "pack", "--identity", "identity", "--receiver-aint", "bob", "--receiver-pubkey",
                String(repeating: "0", count: 64), "--input", "a.txt", "--output", "theirs.tza")
            let verdict = try await BuiltProgram.run("verify", "theirs.tza", "--json", in: folder.url).objects()
            #expect(verdict.first?["sender_aint"] as? String == "alice.aint")
            #expect(verdict.first?["sender_pubkey"] as? String == object["pubkey_hex"] as? String)
        }

        @Test("Both describe the same key alike")
        func descriptions() async throws {
            try await peer.makeIdentity("bob.aint", in: "bob")
            try #require(chmod(folder.path("bob/identity.priv"), 0o600) == 0)
            let outcome = try await BuiltProgram.run("identity", "show", "--identity", "bob", "--json", in: folder.url)
            let shown = try #require(try outcome.objects().first)
            let json = try JSONSerialization.jsonObject(with: try folder.read("bob/identity.json"))
            let described = try #require(json as? [String: Any])
            for key in ["aint", "pubkey_hex", "fingerprint_hex"] {
                #expect(shown[key] as? String == described[key] as? String, "\(key)")
                #expect(shown[key] is String)
            }
        }

        private func hex(_ data: Data) -> String {
            data.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }
}
