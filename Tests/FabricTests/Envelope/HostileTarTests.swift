import Foundation
import SystemPackage
import Testing

@testable import Fabric

/// Archives inside properly signed envelopes that try to get out of the directory, or to make what nobody asked for.
@Suite("Hostile archives")
struct HostileTarTests {
    let scratch: Scratch

    init() throws {
        scratch = try Scratch()
        try scratch.write("outside/untouched", [1])
    }

    /// One attempt, and a part of the message that it must be answered with.
    struct Attempt: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let message: String
        let tar: TarImage

        init(_ name: String, _ message: String, _ fill: (inout TarImage) -> Void) {
            testDescription = name
            self.message = message
            var tar = TarImage()
            fill(&tar)
            self.tar = tar
        }
    }

    static let stays = "does not stay where it belongs"
    static let through = "leads through something that is not a folder"
    static let twice = "stands twice"
    static let outside = "leads outside"

    static let attempts: [Attempt] =
        [
            Attempt("dots", stays) { $0.add(.file, "../outside/new", [1]) },
            Attempt("dots inside", stays) { $0.add(.file, "tree/../../outside/new", [1]) },
            Attempt("a dot", stays) { $0.add(.file, "./tree/a", [1]) },
            Attempt("absolute", stays) { $0.add(.file, "/tmp/fabric-hostile", [1]) },
            Attempt("dots in a pax record", stays) {
                $0.addRecords([("path", "../outside/new")])
                $0.add(.file, "harmless", [1])
            },
            Attempt("a folder of dots", stays) { $0.add(.folder, "../outside/", mode: 0o777) },
            Attempt("a component too long", stays) {
                $0.addRecords([("path", "tree/" + String(repeating: "a", count: 256))])
                $0.add(.file, "harmless", [1])
            },
            Attempt("a link outside, then a file through it", outside) {
                $0.add(.symbolicLink, "tree/link", link: "../../outside")
                $0.add(.file, "tree/link/new", [1])
            },
            Attempt("an absolute link", outside) { $0.add(.symbolicLink, "tree/link", link: "/etc/passwd") },
            Attempt("a link that climbs after it went down", outside) {
                $0.add(.symbolicLink, "tree/link", link: "sub/../../outside")
            },
            Attempt("a link to nothing", "a link without a target") { $0.add(.symbolicLink, "tree/link", link: "") },
            Attempt("a link inside, then a file through it", through) {
                $0.add(.folder, "tree/sub/", mode: 0o755)
                $0.add(.symbolicLink, "tree/link", link: "sub")
                $0.add(.file, "tree/link/new", [1])
            },
            Attempt("a chain of links, then a file through it", through) {
                $0.add(.folder, "tree/sub/", mode: 0o755)
                $0.add(.symbolicLink, "tree/one", link: "sub")
                $0.add(.symbolicLink, "tree/two", link: "one")
                $0.add(.symbolicLink, "tree/three", link: "two")
                $0.add(.file, "tree/three/deep/new", [1])
            },
            Attempt("a link to itself, then a file through it", through) {
                $0.add(.symbolicLink, "tree/link", link: "link")
                $0.add(.file, "tree/link/new", [1])
            },
            Attempt("a link, then a folder of its name", through) {
                $0.add(.folder, "tree/sub/", mode: 0o755)
                $0.add(.symbolicLink, "tree/link", link: "sub")
                $0.add(.folder, "tree/link/", mode: 0o777)
            },
            Attempt("a link, then a file of its name", twice) {
                $0.add(.file, "tree/a", [1])
                $0.add(.symbolicLink, "tree/link", link: "a")
                $0.add(.file, "tree/link", [2])
            },
            Attempt("a file, then a link of its name", twice) {
                $0.add(.file, "tree/a", [1])
                $0.add(.symbolicLink, "tree/a", link: "b")
            },
            Attempt("a file twice", twice) {
                $0.add(.file, "tree/a", [1])
                $0.add(.file, "tree/a", [2])
            },
            Attempt("a file, then a folder of its name", through) {
                $0.add(.file, "tree/a", [1])
                $0.add(.folder, "tree/a/")
            },
            Attempt("a folder, then a file of its name", twice) {
                $0.add(.folder, "tree/a/", mode: 0o755)
                $0.add(.file, "tree/a", [1])
            },
            Attempt("a file used as a folder", through) {
                $0.add(.file, "tree/a", [1])
                $0.add(.file, "tree/a/b", [1])
            },
            Attempt("a hard link to a file outside", "is a hard link") {
                $0.add(.hardLink, "tree/a", link: "../outside/untouched")
            },
            Attempt("a hard link to a file inside", "is a hard link") {
                $0.add(.file, "tree/a", [1])
                $0.add(.hardLink, "tree/b", link: "tree/a")
            },
            Attempt("a device", "neither file, folder nor link") { $0.add(.characterDevice, "tree/null") },
            Attempt("a disk", "neither file, folder nor link") { $0.add(.blockDevice, "tree/sda") },
            Attempt("a pipe", "neither file, folder nor link") { $0.add(.pipe, "tree/pipe") },
            Attempt("a file longer than the archive", "the archive in the envelope") {
                $0.add(.file, "tree/a", [1], declaring: 1 << 30)
            },
            Attempt("a sparse file of a terabyte", "is sparse") {
                $0.add(.sparseFile, "tree/a", [1, 2, 3], mode: 0o644) { header in
                    // One piece of three bytes at the beginning, and the size that it is to have.
                    TarImage.put(TarImage.octal(0, 11), at: 386, in: &header)
                    TarImage.put(TarImage.octal(3, 11), at: 398, in: &header)
                    TarImage.put(TarImage.octal(1 << 32, 11), at: 483, in: &header)
                }
            },
            Attempt("a path of three thousand folders", "too long or too deep") {
                $0.addRecords([("path", [String](repeating: "a", count: 3000).joined(separator: "/"))])
                $0.add(.file, "a", [1])
            },
        ]
        + [String(1 << 40), "9223372036854775807", "-9223372036854775808", "-1"].flatMap { size in
            ["GNU.sparse.size", "GNU.sparse.realsize"].map { key in
                Attempt("a sparse file by pax records, \(key) \(size)", "") {
                    $0.addRecords([(key, size), ("GNU.sparse.map", "0,3"), ("GNU.sparse.numblocks", "1")])
                    $0.add(.file, "tree/a", [1, 2, 3])
                }
            }
        }
        + [
            Attempt("a sparse file with a piece at the end of all numbers", "") {
                $0.addRecords([
                    ("GNU.sparse.size", "9223372036854775807"), ("GNU.sparse.map", "9223372036854775807,3"),
                    ("GNU.sparse.numblocks", "1"),
                ])
                $0.add(.file, "tree/a", [1, 2, 3])
            }
        ]

    @Test("Each attempt is refused and leaves nothing", arguments: attempts)
    func refused(attempt: Attempt) throws {
        let path = try scratch.write(
            "e.tza", CraftedEnvelope(tar: attempt.tar).bytes(signedBy: try VectorFiles.key()))
        let envelope = try EnvelopeFile(path: path)
        #expect(try envelope.verifyBlocks().faults == [])
        let error = #expect(throws: EnvelopeError.self) { try Unpacker().unpack(envelope, into: scratch.path("out")) }
        #expect(error?.isBadArchive == true, "\(String(describing: error))")
        #expect(
            attempt.message.isEmpty || error?.explanation.contains(attempt.message) == true,
            "\(String(describing: error))")
        #expect(try scratch.names() == ["e.tza", "outside"])
        #expect(try scratch.names("outside") == ["untouched"])
        #expect(!FileManager.default.fileExists(atPath: "/tmp/fabric-hostile"))
    }

    @Test("Even where links may lead outside, nothing is written through them")
    func trustingReader() throws {
        var tar = TarImage()
        tar.add(.symbolicLink, "link", link: scratch.path("outside").string)
        tar.add(.file, "link/new", [1])
        let path = try scratch.write("e.tza", CraftedEnvelope(tar: tar).bytes(signedBy: try VectorFiles.key()))
        var unpacker = Unpacker()
        unpacker.allowsOutsideLinks = true
        let error = #expect(throws: EnvelopeError.self) {
            try unpacker.unpack(try EnvelopeFile(path: path), into: scratch.path("out"))
        }
        #expect(error?.explanation.contains(Self.through) == true)
        #expect(try scratch.names("outside") == ["untouched"])
        #expect(try scratch.names() == ["e.tza", "outside"])
    }

    @Test("Set-user-id, set-group-id and sticky bits are dropped")
    func specialBits() throws {
        var tar = TarImage()
        tar.add(.folder, "tree/", mode: 0o7755)
        tar.add(.file, "tree/tool", [1], mode: 0o7755)
        let path = try scratch.write("e.tza", CraftedEnvelope(tar: tar).bytes(signedBy: try VectorFiles.key()))
        _ = try Unpacker().unpack(try EnvelopeFile(path: path), into: scratch.path("out"))
        for name in ["out/tree", "out/tree/tool"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: scratch.path(name).string)
            #expect(attributes[.posixPermissions] as? Int == 0o755)
        }
    }
}
