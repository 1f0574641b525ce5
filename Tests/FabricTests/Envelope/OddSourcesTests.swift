import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Fabric

/// What is sealed can be unpacked, and comes back as it was: names of every length, files that are not as long as they
/// say, links that wander, files with holes.
@Suite("Odd sources")
struct OddSourcesTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func roundTrip(_ path: String, _ change: (inout SealOptions) -> Void = { _ in }) throws -> SealReport {
        var options = SealOptions(senderName: "alice.aint")
        change(&options)
        try? FileManager.default.removeItem(atPath: scratch.path("e.tza").string)
        try? FileManager.default.removeItem(atPath: scratch.path("out").string)
        let report = try Sealer(key: VectorFiles.key(), options: options).seal(.path(path), to: scratch.path("e.tza"))
        _ = try Unpacker().unpack(EnvelopeFile(path: scratch.path("e.tza")), into: scratch.path("out"))
        return report
    }

    @Test("Every name that a file can have", arguments: [247, 248, 251, 252, 255], [10, 5 << 20])
    func longNames(length: Int, size: Int) throws {
        let name = String(repeating: "n", count: length)
        let content = prose(size)
        try scratch.write(name, content)
        _ = try roundTrip(scratch.path(name).string)
        #expect(try scratch.read("out/" + name) == content)
        try scratch.write("tree/" + name, content)
        for layout in [SealOptions.DirectoryLayout.tar, .files] {
            _ = try roundTrip(scratch.path("tree").string) { $0.layout = layout }
            let below = layout == .tar ? "out/tree/" : "out/"
            #expect(try scratch.read(below + name) == content, "\(layout)")
        }
    }

    @Test("Every name that a directory can have", arguments: [250, 251, 255])
    func longFolderNames(length: Int) throws {
        let name = String(repeating: "d", count: length)
        try scratch.write("in/" + name + "/a", [1])
        _ = try roundTrip(scratch.path("in/" + name).string)
        #expect(try scratch.read("out/" + name + "/a") == [1])
    }

    @Test("Files that the kernel makes up as they are read", arguments: [SealOptions.DirectoryLayout.tar, .files])
    func madeUp(layout: SealOptions.DirectoryLayout) throws {
        // They say that they have no bytes.
        let folder = "/proc/sys/kernel/random"
        _ = try roundTrip(folder) { $0.layout = layout }
        let name = layout == .tar ? "out/random/boot_id" : "out/boot_id"
        #expect(try scratch.read(name) == Array(Data(contentsOf: URL(fileURLWithPath: folder + "/boot_id"))))
    }

    @Test("A small file that is shorter than it says is as long as it is")
    func shorter() throws {
        try scratch.write("a", [1, 2, 3])
        var options = SealOptions(senderName: "alice.aint")
        options.contentLayout = .file
        let file = try OwnedFile(path: scratch.path("e.tza"), flags: O_RDWR | O_CREAT | O_EXCL)
        let builder = try EnvelopeBuilder(file: file, options: options, plan: [.init(name: "a", size: 4096)])
        try builder.add("a", from: OwnedFile(path: scratch.path("a"), flags: O_RDONLY), size: 4096) { _ in }
        let report = try builder.report(signedBy: VectorFiles.key())
        #expect(report.contentBytes == 3 && report.grown.isEmpty)
        _ = try Unpacker().unpack(EnvelopeFile(path: scratch.path("e.tza")), into: scratch.path("out"))
        #expect(try scratch.read("out/a") == [1, 2, 3])
    }

    @Test("Links that wander and stay inside are made", arguments: ["b/../../c/f", "../c/../c/f", "./b/.././../c/f"])
    func wandering(target: String) throws {
        for name in ["t/a/b/x", "t/c/f"] { try scratch.write(name, [7]) }
        try #require(symlink(target, scratch.path("t/a/l").string) == 0)
        let report = try roundTrip(scratch.path("t").string)
        #expect(report.outsideLinks.isEmpty)
        #expect(try scratch.read("out/t/a/l") == [7])
    }

    @Test("A link that climbs through another link is refused")
    func climbing() throws {
        var tar = TarImage()
        tar.add(.folder, "t/deep/er/", mode: 0o755)
        tar.add(.symbolicLink, "t/deep/er/up", link: "../../deep")
        tar.add(.symbolicLink, "t/deep/er/out", link: "up/../../x")
        let path = try scratch.write("e.tza", CraftedEnvelope(tar: tar).bytes(signedBy: try VectorFiles.key()))
        let error = #expect(throws: EnvelopeError.self) {
            try Unpacker().unpack(try EnvelopeFile(path: path), into: scratch.path("out"))
        }
        #expect(error?.explanation.contains("leads outside") == true)
        #expect(try scratch.names() == ["e.tza"])
    }

    @Test("Holes stay holes", arguments: [true, false])
    func holes(isTree: Bool) throws {
        let name = isTree ? "tree/hole" : "hole"
        try scratch.write(name, [1])
        let file = try OwnedFile(path: scratch.path(name), flags: O_RDWR)
        try file.write(bytes: [9], at: 20 << 20)
        try file.truncate(to: 30 << 20)
        _ = try roundTrip(scratch.path(isTree ? "tree" : "hole").string)
        let copy = try OwnedFile(path: scratch.path("out/" + name), flags: O_RDONLY)
        #expect(try copy.digest().digest == file.digest().digest)
        #expect(try copy.status().st_blocks * 512 < 4 << 20)
    }
}
