import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Fabric

/// Names are bytes: what stands in a directory comes back under exactly the name it had.
@Suite("Names in a tar")
struct TarNameTests {
    static let names: [[UInt8]] = [
        Array("plain".utf8), Array("\u{e9}".utf8), Array("e\u{301}".utf8), Array("\u{ac00}".utf8),
        Array("\u{1100}\u{1161}".utf8), Array("\u{212b}".utf8), Array("\u{c5}".utf8), Array("日本 😀".utf8),
        [0xff, 0xfe], [0x61, 0xcc], [UInt8](repeating: 0xe9, count: 200),
        Array(String(repeating: "e\u{301}", count: 80).utf8),
    ]

    @Test("Files, folders, links and what they point to")
    func everyName() throws {
        let scratch = try Scratch()
        let root = scratch.path("tree").string
        try #require(mkdir(root, 0o755) == 0)
        for name in Self.names {
            let path = Array(root.utf8) + [UInt8(ascii: "/")] + name
            let descriptor = open(Self.c(path), O_WRONLY | O_CREAT | O_EXCL, 0o644)
            try #require(descriptor >= 0)
            close(descriptor)
            try #require(mkdir(Self.c(path + Array(".d".utf8)), 0o755) == 0)
            try #require(symlink(Self.c(name), Self.c(path + Array(".l".utf8))) == 0)
        }
        _ = try Sealer(key: VectorFiles.key(), options: SealOptions(senderName: "alice.aint"))
            .seal(.path(root), to: scratch.path("e.tza"))
        _ = try Unpacker().unpack(EnvelopeFile(path: scratch.path("e.tza")), into: scratch.path("out"))
        #expect(try Self.listing(scratch.path("out/tree")) == Self.listing(scratch.path("tree")))
        #expect(try Self.listing(scratch.path("tree")).count == 3 * Self.names.count)
    }

    /// The names in a directory as bytes, those of links with their targets, sorted.
    private static func listing(_ path: FilePath) throws -> [[UInt8]] {
        let folder = try OwnedFile(path: path, flags: O_RDONLY | O_DIRECTORY)
        return try Directories.entries(of: folder).map { name in
            var target = [CChar](repeating: 0, count: 4096)
            let count = readlinkat(folder.descriptor, c(name), &target, target.count)
            return name + [0] + target.prefix(max(0, count)).map(UInt8.init(bitPattern:))
        }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private static func c(_ bytes: [UInt8]) -> [CChar] { bytes.map(CChar.init(bitPattern:)) + [0] }
}
