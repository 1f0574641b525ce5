import Foundation
import SystemPackage
import Testing

@testable import Fabric

@Suite("Sealing and unpacking")
struct SealingTests {
    let scratch: Scratch
    let key: SigningKey

    init() throws {
        scratch = try Scratch()
        key = try VectorFiles.key()
    }

    private func options(_ change: (inout SealOptions) -> Void = { _ in }) -> SealOptions {
        var options = SealOptions(senderName: "alice.aint")
        options.blockSize = 1 << 16
        change(&options)
        return options
    }

    @discardableResult
    private func seal(_ path: FilePath, _ options: SealOptions, as name: String = "e.tza") throws -> SealReport {
        try Sealer(key: key, options: options).seal(.path(path.string), to: scratch.path(name), replacing: true)
    }

    private func roundTrip(_ bytes: [UInt8], _ options: SealOptions) throws -> Manifest {
        let source = try scratch.write("in/content.dat", bytes)
        let report = try seal(source, options)
        let envelope = try EnvelopeFile(path: scratch.path("e.tza"))
        #expect(try envelope.verifyBlocks().faults == [])
        #expect(report.sealedBytes == envelope.size)
        #expect(report.contentBytes == Int64(bytes.count))
        #expect(report.blocks == envelope.manifest.blocks.count)
        #expect(envelope.manifest.contentDigest == envelope.manifest.computedContentDigest)
        let out = "out-\(UUID().uuidString)"
        let unpacked = try Unpacker().unpack(envelope, into: scratch.path(out))
        #expect(unpacked.bytes == UInt64(bytes.count))
        #expect(try scratch.read(out + "/content.dat") == bytes)
        #expect(try scratch.names(out) == ["content.dat"])
        return envelope.manifest
    }

    @Test(
        "A file of any length comes back, compressed or not",
        arguments: [0, 1, 65_535, 65_536, 65_537, 196_608, 1_000_003], SealOptions.Compression.allCases)
    func lengths(count: Int, compression: SealOptions.Compression) throws {
        for bytes in [prose(count), noise(count)] {
            let manifest = try roundTrip(bytes, options { $0.compression = compression })
            #expect(manifest.layout == .file)
        }
    }

    @Test("Parts are named so that joined in order they are one zstd file")
    func partNames() throws {
        let manifest = try roundTrip(prose(200_000), options())
        #expect(manifest.blocks.map(\.name) == (0..<4).map { "content.dat.zst.00\($0)" })
        #expect(Set(manifest.blocks.map(\.content)) == ["content.dat"])
        let single = try roundTrip(prose(50_000), options())
        #expect(single.blocks.map(\.name) == ["content.dat.zst"])
        let stored = try roundTrip(noise(200_000), options())
        #expect(stored.blocks.map(\.name) == (0..<4).map { "content.dat.00\($0)" })
        #expect(stored.blocks.allSatisfy { $0.encoding == .none })
    }

    @Test("Part numbers sort as text beyond a thousand parts")
    func manyParts() throws {
        let manifest = try roundTrip(prose(1_100 * 4096), options { $0.blockSize = 4096 })
        let names = manifest.blocks.map(\.name)
        #expect(names.count == 1100)
        #expect(names == names.sorted())
    }

    @Test("A directory comes back with modes, times, links and empty folders")
    func directory() throws {
        try makeTree()
        let report = try seal(scratch.path("tree"), options())
        #expect(report.leftOut == ["pipe"])
        let envelope = try EnvelopeFile(path: scratch.path("e.tza"))
        #expect(envelope.manifest.layout == .tar)
        #expect(envelope.manifest.blocks[0].content == "tree.tar")
        _ = try Unpacker().unpack(envelope, into: scratch.path("out"))
        #expect(
            try scratch.names("out/tree") == ["a.txt", "big.bin", "empty", "link", "script.sh", "sub", "\u{e9}.txt"])
        #expect(try scratch.read("out/tree/big.bin") == noise(300_000))
        #expect(try scratch.read("out/tree/\u{e9}.txt") == Array("accent".utf8))
        let files = FileManager.default
        #expect(try files.destinationOfSymbolicLink(atPath: scratch.path("out/tree/link").string) == "a.txt")
        let script = try files.attributesOfItem(atPath: scratch.path("out/tree/script.sh").string)
        #expect(script[.posixPermissions] as? Int == 0o750)
        #expect((script[.modificationDate] as? Date)?.timeIntervalSince1970 == 1_000_000_000.5)
        let empty = try files.attributesOfItem(atPath: scratch.path("out/tree/empty").string)
        #expect(empty[.posixPermissions] as? Int == 0o711)
        #expect((empty[.modificationDate] as? Date)?.timeIntervalSince1970 == 1_100_000_000)
    }

    private func makeTree() throws {
        try scratch.write("tree/a.txt", prose(1000))
        try scratch.write("tree/big.bin", noise(300_000))
        try scratch.write("tree/sub/deep/b.txt", prose(10))
        try scratch.write("tree/\u{e9}.txt", Array("accent".utf8))
        try scratch.write("tree/script.sh", Array("#!/bin/sh\n".utf8))
        let files = FileManager.default
        try files.createSymbolicLink(atPath: scratch.path("tree/link").string, withDestinationPath: "a.txt")
        try files.createDirectory(atPath: scratch.path("tree/empty").string, withIntermediateDirectories: false)
        #expect(mkfifo(scratch.path("tree/pipe").string, 0o600) == 0)
        try files.setAttributes(
            [.posixPermissions: 0o750, .modificationDate: Date(timeIntervalSince1970: 1_000_000_000.5)],
            ofItemAtPath: scratch.path("tree/script.sh").string)
        try files.setAttributes(
            [.posixPermissions: 0o711, .modificationDate: Date(timeIntervalSince1970: 1_100_000_000)],
            ofItemAtPath: scratch.path("tree/empty").string)
    }

    @Test("In the layout of files a directory is one block per file", arguments: SealOptions.Compression.allCases)
    func files(compression: SealOptions.Compression) throws {
        try scratch.write("tree/a.txt", prose(1000))
        try scratch.write("tree/a/b.txt", prose(200_000))
        try scratch.write("tree/empty", [])
        let options = options {
            $0.layout = .files
            $0.compression = compression
        }
        try seal(scratch.path("tree"), options)
        let envelope = try EnvelopeFile(path: scratch.path("e.tza"))
        #expect(try envelope.verifyBlocks().faults == [])
        if compression == .none {
            #expect(envelope.manifest.blocks.map(\.name) == ["a/b.txt", "a.txt", "empty"])
        }
        _ = try Unpacker().unpack(envelope, into: scratch.path("out"))
        #expect(try scratch.read("out/a.txt") == prose(1000))
        #expect(try scratch.read("out/a/b.txt") == prose(200_000))
        #expect(try scratch.read("out/empty") == [])
    }

    @Test("A file that is called like the compressed form of another keeps its name")
    func nameOfCompressedForm() throws {
        try scratch.write("tree/a", prose(1000))
        try scratch.write("tree/a.zst", noise(1000))
        try seal(scratch.path("tree"), options { $0.layout = .files })
        _ = try Unpacker().unpack(EnvelopeFile(path: scratch.path("e.tza")), into: scratch.path("out"))
        #expect(try scratch.read("out/a") == prose(1000))
        #expect(try scratch.read("out/a.zst") == noise(1000))
    }

    @Test("Blocks too large to hold are streamed, compressed or not")
    func streamedBlocks() throws {
        let large = prose(9 << 20)
        for compression in [SealOptions.Compression.none, .zstd] {
            _ = try roundTrip(
                large,
                options {
                    $0.blockSize = 10 << 20
                    $0.compression = compression
                })
        }
        _ = try roundTrip(noise(20 << 20), options { $0.blockSize = 10 << 20 })
    }

    @Test("More files than one manifest can describe are refused before anything is written")
    func tooManyFiles() throws {
        let name = String(repeating: "n", count: 200)
        for number in 0..<120 {
            try scratch.write("tree/\(number)/" + [name, name, name, name].joined(separator: "/"), [1])
        }
        let plan = (0..<30_000).map { EnvelopeBuilder.Plan(name: "\($0)" + name, size: 1) }
        #expect(ManifestDraft.estimate(for: plan, options: options()) ?? 0 > Int64(EnvelopeLimits().manifestBytes))
        let file = try OwnedFile(path: scratch.path("b"), flags: O_RDWR | O_CREAT)
        #expect(throws: EnvelopeError.self) { try EnvelopeBuilder(file: file, options: options(), plan: plan) }
        try seal(scratch.path("tree"), options { $0.layout = .files })
        #expect(try EnvelopeFile(path: scratch.path("e.tza")).verifyBlocks().faults == [])
    }

    @Test("What the kernel makes up as it is read is sealed as far as it goes")
    func withoutLength() throws {
        try seal("/proc/cpuinfo", options())
        _ = try Unpacker().unpack(EnvelopeFile(path: scratch.path("e.tza")), into: scratch.path("out"))
        #expect(try scratch.read("out/cpuinfo").count > 100)
    }

    @Test("A directory that lies deeper than receivers go is refused")
    func tooDeep() throws {
        try scratch.write("tree/" + [String](repeating: "d", count: 300).joined(separator: "/") + "/a", [1])
        #expect(throws: EnvelopeError.self) { try seal(scratch.path("tree"), options()) }
        #expect(try scratch.names() == ["tree"])
    }

    @Test("Room that the reserve needs is not unpacked into")
    func reserve() throws {
        try seal(try scratch.write("in/content.dat", prose(1000)), options())
        var unpacker = Unpacker()
        unpacker.reserve = .max / 2
        let envelope = try EnvelopeFile(path: scratch.path("e.tza"))
        #expect(throws: EnvelopeError.self) { try unpacker.unpack(envelope, into: scratch.path("out")) }
        #expect(try scratch.names() == ["e.tza", "in"])
    }

    @Test("An existing file is not replaced unless asked, and no staging file stays")
    func existing() throws {
        let source = try scratch.write("a.txt", prose(10))
        let taken = try scratch.write("taken.tza", [1])
        #expect(throws: EnvelopeError.self) {
            try Sealer(key: key, options: options()).seal(.path(source.string), to: taken)
        }
        #expect(try scratch.read("taken.tza") == [1])
        #expect(try scratch.names() == ["a.txt", "taken.tza"])
    }

    @Test("An empty directory can be sealed as a tar, and not as files")
    func emptyDirectory() throws {
        try FileManager.default.createDirectory(atPath: scratch.path("void").string, withIntermediateDirectories: false)
        try seal(scratch.path("void"), options())
        _ = try Unpacker().unpack(EnvelopeFile(path: scratch.path("e.tza")), into: scratch.path("out"))
        #expect(try scratch.names("out") == ["void"])
        #expect(throws: EnvelopeError.self) {
            try seal(scratch.path("void"), options { $0.layout = .files }, as: "f.tza")
        }
        #expect(try !scratch.names().contains("f.tza"))
    }

    @Test("A directory can be sealed into an envelope that lies in it", arguments: SealOptions.DirectoryLayout.allCases)
    func insideItself(layout: SealOptions.DirectoryLayout) throws {
        try scratch.write("tree/a.txt", prose(1000))
        try seal(scratch.path("tree"), options { $0.layout = layout }, as: "tree/e.tza")
        let envelope = try EnvelopeFile(path: scratch.path("tree/e.tza"))
        _ = try Unpacker().unpack(envelope, into: scratch.path("out"))
        #expect(try scratch.names(layout == .tar ? "out/tree" : "out") == ["a.txt"])
    }

    @Test("Links that lead outside are reported when sealing and refused when unpacking")
    func outsideLinks() throws {
        try scratch.write("tree/a.txt", prose(10))
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path("tree/passwd").string, withDestinationPath: "/etc/passwd")
        let report = try seal(scratch.path("tree"), options())
        #expect(report.outsideLinks == ["passwd"])
        let envelope = try EnvelopeFile(path: scratch.path("e.tza"))
        #expect(throws: EnvelopeError.self) { try Unpacker().unpack(envelope, into: scratch.path("out")) }
        #expect(try scratch.names() == ["e.tza", "tree"])
        var trusting = Unpacker()
        trusting.allowsOutsideLinks = true
        _ = try trusting.unpack(envelope, into: scratch.path("out"))
        #expect(try scratch.names("out/tree") == ["a.txt", "passwd"])
    }

    @Test("Unpacking into a directory replaces nothing there")
    func nothingReplaced() throws {
        let source = try scratch.write("in/content.dat", prose(10))
        try seal(source, options())
        try scratch.write("out/content.dat", [7])
        let envelope = try EnvelopeFile(path: scratch.path("e.tza"))
        #expect(throws: EnvelopeError.self) { try Unpacker().unpack(envelope, into: scratch.path("out")) }
        #expect(try scratch.names("out") == ["content.dat"])
        #expect(try scratch.read("out/content.dat") == [7])
    }
}
