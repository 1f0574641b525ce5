import Foundation
import ProgramRunner
import Testing

extension WithThePeers {
    /// What tibet-drop packs, we verify and unpack.
    @Suite("Theirs, read by us")
    struct TheirsReadByUs {
        let folder: WorkFolder
        let peer: Peer

        init() async throws {
            folder = try WorkFolder()
            peer = try await Peer(in: folder)
            try await peer.makeIdentity("bob.aint", in: "bob")
        }

        static let unaddressed = String(repeating: "0", count: 64)

        private func pack(_ source: String, _ options: [String] = [], as name: String = "theirs.tza") async throws {
            let outcome = try await peer.start(
                "tibet-drop",
                [
                    "pack", "--identity", "bob", "--receiver-aint", "alice.aint", "--receiver-pubkey", Self.unaddressed,
                    "--input", source, "--output", name,
                ] + options
            ).outcome()
            try #require(outcome.status == 0, "\(outcome)")
        }

        private func verified(_ name: String = "theirs.tza", exits status: Int32) async throws -> [String: Any] {
            let outcome = try await BuiltProgram.run("verify", name, "--json", in: folder.url)
            #expect(outcome.status == status, "\(outcome)")
            let object = try #require(try outcome.objects().first)
            #expect(object["valid"] as? Bool == true, "\(outcome)")
            let manifest = try await peer.manifest(of: name)
            #expect(object["tpid"] as? String == manifest["tpid"] as? String)
            #expect(object["sender_pubkey"] as? String == manifest["sender_pubkey"] as? String)
            #expect(object["sender_aint"] as? String == "bob.aint")
            #expect(object["blocks"] as? Int == (manifest["blocks"] as? [Any])?.count)
            return object
        }

        private func unpack(_ name: String = "theirs.tza") async throws {
            let outcome = try await BuiltProgram.run("unpack", name, "-d", "unpacked", in: folder.url)
            #expect(outcome.status == 0, "\(outcome)")
        }

        @Test("A file of any content", arguments: [0, 1, 70_000, 9_000_000])
        func file(count: Int) async throws {
            try folder.write("name with é.bin", noise(count))
            try await pack("name with é.bin")
            // The peer's default surface has a time and a profile only, and the name has none.
            #expect(try await verified(exits: 0)["surface_status"] as? String == "PARTIAL")
            try await unpack()
            #expect(try folder.read("unpacked/name with é.bin") == Data(noise(count)))
            #expect(try folder.names("unpacked").count == 1)
        }

        @Test("A directory")
        func directory() async throws {
            try SampleTree.make("tree", in: folder)
            try await pack("tree")
            _ = try await verified(exits: 0)
            try await unpack()
            #expect(
                try TreeListing(of: folder("unpacked"), contentsOnly: true)
                    == TreeListing(of: folder("tree"), contentsOnly: true))
        }

        @Test(
            "Every type of payload",
            arguments: zip(
                ["ai_state", "identity_only", "vc", "capsule", "file"],
                ["tza", "iddrop", "parentattest", "capsule", "filedrop"]))
        func payloads(type: String, profile: String) async throws {
            try folder.write("a.txt", prose(100))
            try await pack("a.txt", ["--payload-type", type])
            _ = try await verified(exits: 0)
            let shown = try await BuiltProgram.run("inspect", "theirs.tza", "--json", in: folder.url).objects()
            #expect(shown.first?["payload_type"] as? String == type)
            #expect(shown.first?["surface_profile"] as? String == profile)
            #expect(shown.first?["surface_context"] is NSNull)
            #expect(shown.first?["receiver_aint"] as? String == "alice.aint")
        }

        @Test("Every flag of the surface", arguments: ["urgent", "normal", "background", "sealed", "heartbeat"])
        func surfaces(priority: String) async throws {
            try folder.write("a.txt", prose(100))
            let name = "2026-05-14.session-resume.kit.\(priority).tza"
            try await pack(
                "a.txt",
                [
                    "--surface-time", "2026-05-14", "--surface-context", "session-resume", "--surface-profile", "kit",
                    "--surface-priority", priority, "--tpid", "0123456789abcdef0123456789abcdef",
                ], as: name)
            try await peer.drop("verify", name)
            let object = try await verified(name, exits: 0)
            #expect(object["surface_status"] as? String == "MATCH")
            #expect(object["tpid"] as? String == "01234567-89ab-cdef-0123-456789abcdef")
            // The same bytes under a name that tells otherwise.
            let other = "2026-05-14.other.kit.\(priority).tza"
            try FileManager.default.copyItem(at: folder(name), to: folder(other))
            try await peer.drop("verify", other, exits: 2)
            #expect(try await verified(other, exits: 2)["surface_status"] as? String == "MISMATCH")
        }
    }
}
