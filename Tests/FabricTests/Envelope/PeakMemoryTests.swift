import CLinux
import Foundation
import Glibc
import ProgramRunner
import SystemPackage
import Testing

@testable import Fabric

/// The bounds that `docs/envelope.md` gives: 96 MiB, and as much again for the largest manifest.
@Suite("Peak memory of unpacking", .serialized)
struct PeakMemoryTests {
    private static let bound = 96 << 20

    /// A tar of many entries with long names, which costs its sender next to nothing.
    struct Bomb: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let status: Int32
        let count: Int
        let name: @Sendable (Int) -> String
        var kind = TarImage.Kind.folder
    }

    private static let long = [String](repeating: String(repeating: "d", count: 250), count: 15).joined(separator: "/")

    static let bombs = [
        Bomb(testDescription: "one folder time and again", status: 65, count: 30_000, name: { _ in long + "/" }),
        Bomb(
            testDescription: "folders of long names", status: 0, count: 16_000,
            name: { long + "/" + String($0) + "/" }),
    ]

    @Test("tcd unpack stays within it", arguments: bombs)
    func unpacking(bomb: Bomb) async throws {
        let scratch = try Scratch()
        let file = scratch.path("bomb.tza")
        try Self.write(bomb, to: file)
        let (status, peak) = try await Self.run(["unpack", file.string, "-d", scratch.path("out").string], in: scratch)
        #expect(status == bomb.status)
        #expect(peak < Self.bound, "\(peak >> 20) MiB")
    }

    @Test("tcd verify and inspect stay within it for the largest manifest")
    func manifest() async throws {
        let scratch = try Scratch()
        // Some 12 MiB of names.
        let names = (0..<12_000).map { String(repeating: "a/", count: 500) + String($0) }
        let file = try scratch.write("e.tza", CraftedEnvelope(named: names).bytes(signedBy: try VectorFiles.key()))
        for command in ["verify", "inspect"] {
            let (status, peak) = try await Self.run([command, file.string], in: scratch)
            #expect(status == 0, "\(command)")
            #expect(peak < 2 * Self.bound, "\(command): \(peak >> 20) MiB")
        }
    }

    @Test("A manifest of very many keys is refused before they take memory")
    func manyKeys() async throws {
        let scratch = try Scratch()
        var bytes: [UInt8] = [0xba, 0x00, 0x0b, 0x00, 0x00]
        for number in 0..<(0x0b0000) {
            bytes += [0x70] + Array("x00000000".utf8.prefix(9)) + Array(String(1_000_000 + number).utf8) + [0x00]
        }
        let file = try scratch.write(
            "e.tza",
            [0x54, 0x42, 0x5a, 0x01] + CraftedEnvelope.length(2) + CraftedEnvelope.length(bytes.count) + bytes)
        let (status, peak) = try await Self.run(["verify", file.string], in: scratch)
        #expect(status == 1)
        #expect(peak < Self.bound, "\(peak >> 20) MiB")
    }

    /// Compresses the tar as it is made, so that the test does not need what the program may not have.
    private static func write(_ bomb: Bomb, to path: FilePath) throws {
        var plain: [UInt8] = []
        var hasher = DigestHasher()
        var size = 0
        let tar = path.string + ".tar"
        let stream = try #require(fopen(tar, "w"))
        func flush() {
            plain.withUnsafeBytes { bytes in
                hasher.update(bytes)
                fwrite(bytes.baseAddress, 1, bytes.count, stream)
            }
            size += plain.count
            plain.removeAll(keepingCapacity: true)
        }
        for number in 0..<bomb.count {
            var image = TarImage()
            image.addRecords([("path", bomb.name(number))])
            image.add(bomb.kind, "x", mode: 0o755)
            plain += image.bytes
            if plain.count > 1 << 20 { flush() }
        }
        plain += [UInt8](repeating: 0, count: 1024)
        flush()
        fclose(stream)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: tar), options: .alwaysMapped)
        let frame = try bytes.withUnsafeBytes { raw throws -> [UInt8] in
            let room = Memory(byteCount: Zstd.bound(raw.count))
            let count = try ZstdCompressor(level: 1).compress(raw, into: room.bytes)
            return Array(room.read(count))
        }
        let block = CraftedEnvelope.Block(
            name: "tree.tar.zst", stored: frame, encoding: .zstd, decodedSize: UInt64(size),
            decodedDigest: hasher.finish(), contentName: "tree.tar")
        let envelope = CraftedEnvelope(layout: .tar, [block]).bytes(signedBy: try VectorFiles.key())
        try Data(envelope).write(to: URL(fileURLWithPath: path.string))
        unlink(tar)
    }

    /// Runs `tcd`; its exit status and peak resident size.
    ///
    /// A small process starts it: the kernel counts for a child what the process had that it was spawned from.
    private static func run(_ arguments: [String], in scratch: Scratch) async throws -> (status: Int32, peak: Int) {
        let measure = """
            import resource, subprocess, sys
            status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
            print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
            """
        let home = scratch.path("home").string
        let outcome = try await Program(
            "python3", ["-c", measure, try BuiltProgram.path()] + arguments, in: scratch.url,
            environment: ["HOME": home, "TIBET_STATE": home]
        ).outcome(within: .seconds(120))
        let numbers = outcome.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        let status = try #require(numbers.first, "\(outcome)")
        return (Int32(status), try #require(numbers.last) << 10)
    }
}
