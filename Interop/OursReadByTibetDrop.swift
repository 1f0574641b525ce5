import Foundation
import ProgramRunner
import Testing

extension WithThePeers {
    /// What we seal, the peer verifies and unpacks, and ordinary tools open what it unpacked.
    @Suite("Ours, read by tibet-drop")
    struct OursReadByTibetDrop {
        let folder: WorkFolder
        let peer: Peer

        init() async throws {
            folder = try WorkFolder()
            peer = try await Peer(in: folder)
        }

        /// A file and how it is sealed.
        struct Form: CustomTestStringConvertible, Sendable {
            let testDescription: String
            let name: String
            let content: [UInt8]
            let options: [String]
            let blocks: [String]

            init(_ title: String, _ name: String, _ content: [UInt8], _ options: [String], blocks: [String]) {
                testDescription = title
                self.name = name
                self.content = content
                self.options = options
                self.blocks = blocks
            }
        }

        static let forms = [
            Form("small, auto", "a.txt", prose(5000), [], blocks: ["a.txt.zst"]),
            Form("small, stored", "a.txt", prose(5000), ["--compress", "none"], blocks: ["a.txt"]),
            Form("small, zstd", "a.txt", noise(5000), ["--compress", "zstd", "--level", "19"], blocks: ["a.txt.zst"]),
            Form("empty", "empty.dat", [], [], blocks: ["empty.dat"]),
            Form("empty, zstd", "empty.dat", [], ["--compress", "zstd"], blocks: ["empty.dat.zst"]),
            Form("incompressible", "noise.bin", noise(100_000), [], blocks: ["noise.bin"]),
            Form(
                "large, auto", "large.log", prose(18 << 20), [], blocks: (0..<5).map { "large.log.zst.00\($0)" }),
            Form(
                "large, incompressible", "large.bin", noise(9 << 20), [], blocks: (0..<3).map { "large.bin.00\($0)" }),
            Form(
                "a name in other letters", "日本 e\u{301} 😀.txt", prose(100), ["--compress", "none"],
                blocks: ["日本 e\u{301} 😀.txt"]),
        ]

        static let envelope = "2026-05-14.demo.claude.normal.tza"

        private func seal(_ source: String, _ options: [String], input: URL? = nil) async throws {
            let surface = ["--surface-time", "2026-05-14", "--surface-context", "demo", "-o", Self.envelope]
            let outcome = try await BuiltProgram.start(
                ["seal", source] + options + surface, in: folder.url, input: input
            ).outcome()
            try #require(outcome.status == 0, "\(outcome)")
        }

        /// Lets the peer verify, inspect and unpack the envelope; returns the block names that it tells.
        private func readByPeer() async throws -> [String] {
            #expect(try await peer.drop("verify", Self.envelope).output.contains("Bundle valid"))
            let theirs = try await peer.manifest(of: Self.envelope)
            let inspected = try await BuiltProgram.run("inspect", Self.envelope, "--json", in: folder.url).objects()
            let ours = try #require(inspected.first)
            for key in [
                "tpid", "created_at", "sender_aint", "sender_pubkey", "receiver_aint", "receiver_pubkey",
                "payload_type",
                "surface_time_fragment", "surface_context", "surface_profile", "surface_priority", "content_digest",
            ] {
                #expect(theirs[key] as? String == ours[key] as? String, "\(key)")
                #expect(theirs[key] is String, "\(key) is no text")
            }
            let (theirBlocks, ourBlocks) = (blocks(of: theirs), blocks(of: ours))
            #expect(theirBlocks.count == ourBlocks.count)
            for (their, our) in zip(theirBlocks, ourBlocks) {
                for key in ["name", "content_sha256", "encoding"] {
                    #expect(their[key] as? String == our[key] as? String, "\(key)")
                }
                for key in ["index", "size_bytes", "decoded_size"] {
                    #expect(their[key] as? Int == our[key] as? Int, "\(key)")
                }
            }
            try await peer.drop("unpack", Self.envelope, "--out", "unpacked")
            return theirBlocks.compactMap { $0["name"] as? String }
        }

        private func blocks(of manifest: [String: Any]) -> [[String: Any]] {
            manifest["blocks"] as? [[String: Any]] ?? []
        }

        /// Joins the parts that the peer unpacked, decompresses them, and writes the whole to `restored`.
        private func restore(_ name: String) async throws {
            let script = """
                set -e
                cd unpacked
                if ls | grep -q '\\.zst'; then cat -- * | zstd -q -d -c > ../restored; else cat -- * > ../restored; fi
                """
            let outcome = try await Program("/bin/sh", ["-c", script], in: folder.url).outcome()
            try #require(outcome.status == 0, "\(outcome)")
        }

        @Test("A file of each form", arguments: forms)
        func file(form: Form) async throws {
            let source = try folder.write(form.name, form.content)
            try await seal(source, form.options)
            #expect(try await readByPeer() == form.blocks)
            #expect(try folder.names("unpacked").count == form.blocks.count)
            try await restore(form.name)
            #expect(try folder.read("restored") == Data(form.content))
        }

        @Test("Standard input, short and longer than a block", arguments: [0, 1000, 9_000_000])
        func standardInput(count: Int) async throws {
            let source = try folder.write("source", prose(count))
            try await seal("-", ["--name", "piped.log"], input: URL(fileURLWithPath: source))
            let names = try await readByPeer()
            #expect(names.allSatisfy { $0.hasPrefix("piped.log") })
            try await restore("piped.log")
            #expect(try folder.read("restored") == Data(prose(count)))
        }

        @Test("A directory as tar", arguments: ["auto", "none", "zstd"])
        func directoryAsTar(compression: String) async throws {
            try SampleTree.make("tree", in: folder)
            try SampleTree.decorate("tree", in: folder)
            try await seal("tree", ["--compress", compression])
            #expect(try await readByPeer() == [compression == "none" ? "tree.tar" : "tree.tar.zst"])
            try await restore("tree.tar")
            try folder.folder("extracted")
            let tar = try await Program(
                "/usr/bin/env", ["tar", "-xpf", "restored", "-C", "extracted"], in: folder.url
            ).outcome()
            #expect(tar.status == 0, "\(tar)")
            #expect(tar.errors.isEmpty, "\(tar)")
            #expect(try TreeListing(of: folder("extracted/tree")) == TreeListing(of: folder("tree")))
        }

        @Test("A directory as files")
        func directoryAsFiles() async throws {
            try SampleTree.make("tree", in: folder)
            try await seal("tree", ["--layout", "files", "--compress", "none"])
            let names = try await readByPeer()
            #expect(names.contains("日本/語.txt") && names.contains { $0.utf8.elementsEqual("e\u{301}.txt".utf8) })
            #expect(
                try TreeListing(of: folder("unpacked"), contentsOnly: true)
                    == TreeListing(of: folder("tree"), contentsOnly: true))
        }

        @Test("A directory as files, compressed, and one file longer than a block")
        func directoryAsCompressedFiles() async throws {
            try folder.write("tree/a.txt", prose(1000))
            try folder.write("tree/sub/large.log", prose(9 << 20))
            try await seal("tree", ["--layout", "files"])
            _ = try await readByPeer()
            let script =
                "zstd -q -d unpacked/a.txt.zst && cat unpacked/sub/large.log.zst.* | zstd -q -d > unpacked/large"
            let outcome = try await Program("/bin/sh", ["-c", script], in: folder.url).outcome()
            #expect(outcome.status == 0, "\(outcome)")
            #expect(try folder.read("unpacked/a.txt") == folder.read("tree/a.txt"))
            #expect(try folder.read("unpacked/large") == folder.read("tree/sub/large.log"))
        }

        @Test("One damaged byte, and the peer refuses it as we do")
        func damaged() async throws {
            try await seal(try folder.write("noise.bin", noise(5000)), [])
            var bytes = Array(try folder.read(Self.envelope))
            bytes[bytes.count - 10] ^= 1
            try folder.write(Self.envelope, bytes)
            try await peer.drop("verify", Self.envelope, exits: 1)
            #expect(try await BuiltProgram.run("verify", Self.envelope, in: folder.url).status == 1)
        }
    }
}
