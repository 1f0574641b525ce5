import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Fabric

/// Unpacking costs what the envelope is worth, whatever its names say.
@Suite("Bounded unpacking")
struct BoundedUnpackingTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func unpack(_ envelope: CraftedEnvelope, with limits: EnvelopeLimits = EnvelopeLimits()) throws {
        let path = try scratch.write("e.tza", envelope.bytes(signedBy: try VectorFiles.key()))
        var unpacker = Unpacker()
        unpacker.limits = limits
        _ = try unpacker.unpack(try EnvelopeFile(path: path), into: scratch.path("out"))
    }

    @Test("A folder that stands twice is refused; one that was made for its contents is not")
    func folderTwice() throws {
        var tar = TarImage()
        tar.add(.file, "tree/sub/a", [1])
        tar.add(.folder, "tree/sub/", mode: 0o755)
        try unpack(CraftedEnvelope(tar: tar))
        tar.add(.folder, "tree/sub/", mode: 0o700)
        try FileManager.default.removeItem(atPath: scratch.path("out").string)
        let error = #expect(throws: EnvelopeError.self) { try unpack(CraftedEnvelope(tar: tar)) }
        #expect(error?.explanation.contains("'tree/sub' stands twice") == true, "\(String(describing: error))")
        #expect(try scratch.names() == ["e.tza"])
    }

    @Test("Folders that are listed after their contents, and closed, get their modes")
    func closedFolders() throws {
        var tar = TarImage()
        tar.add(.folder, "tree/", mode: 0o555)
        tar.add(.folder, "tree/inner/", mode: 0o500)
        tar.add(.file, "tree/inner/a", [1])
        tar.add(.folder, "tree/inner/deep/", mode: 0o111)
        try unpack(CraftedEnvelope(tar: tar))
        for (name, mode) in [("tree", 0o555), ("tree/inner", 0o500), ("tree/inner/deep", 0o111)] {
            let found = try FileManager.default.attributesOfItem(atPath: scratch.path("out/" + name).string)
            #expect(found[.posixPermissions] as? Int == mode, "\(name)")
            #expect((found[.modificationDate] as? Date)?.timeIntervalSince1970 == 1_000_000_000, "\(name)")
        }
    }

    @Test("The records of many folders go to a file and come back")
    func manyFolders() throws {
        let scratch = try Scratch()
        let place = try OwnedFile(path: scratch.path("."), flags: O_RDONLY | O_DIRECTORY)
        let records = FolderRecords(in: place, largest: 64 << 20)
        let name = [UInt8](repeating: UInt8(ascii: "a"), count: 3000)
        for number in 0..<1000 {
            try records.append(
                .init(path: name + Array(String(number).utf8), mode: 0o750, seconds: -5, nanoseconds: 999_999_999))
        }
        #expect(try scratch.names() == [])
        var next = 999
        try records.forEachReversed { record throws(EnvelopeError) in
            #expect(record.path == name + Array(String(next).utf8))
            #expect(record.mode == 0o750 && record.seconds == -5 && record.nanoseconds == 999_999_999)
            next -= 1
        }
        #expect(next == -1)
    }

    @Test("Names of folders, folders, and things side by side have their limits")
    func limits() throws {
        var tar = TarImage()
        for number in 0..<10 { tar.add(.folder, "tree/\(number)/", mode: 0o755) }
        var limits = EnvelopeLimits()
        limits.unpackedFolderBytes = 10 * 6 - 1
        #expect(throws: EnvelopeError.self) { try unpack(CraftedEnvelope(tar: tar), with: limits) }
        limits.unpackedFolderBytes = 10 * 6
        try unpack(CraftedEnvelope(tar: tar), with: limits)

        limits = EnvelopeLimits()
        limits.unpackedEntries = 3
        var error = #expect(throws: EnvelopeError.self) {
            try unpack(CraftedEnvelope(named: ["a/b/c/d/e"]), with: limits)
        }
        #expect(error?.isOverLimit == true)
        limits = EnvelopeLimits()
        limits.unpackedTopLevel = 2
        error = #expect(throws: EnvelopeError.self) {
            try unpack(CraftedEnvelope(named: ["new/a", "new/b", "x", "y"]), with: limits)
        }
        #expect(error?.isOverLimit == true)
        #expect(try scratch.names() == ["e.tza", "out"])
        #expect(try scratch.names("out") == ["tree"])
    }

    @Test("Twelve thousand names of five hundred folders are looked at once each", .timeLimit(.minutes(1)))
    func deepNames() throws {
        let names = (0..<12_000).map { String(repeating: "a/", count: 508) + String($0 + 1_000_000) }
        try BlockName.check(all: names)
        let error = #expect(throws: EnvelopeError.self) {
            try BlockName.check(all: names + [String(repeating: "a/", count: 300) + "a"])
        }
        #expect(error?.explanation.hasSuffix("is both a file and a folder") == true)
        #expect(throws: EnvelopeError.self) { try BlockName.check(all: names + [names[5000]]) }
    }

    @Test(
        "Names with control characters and backslashes are refused, in an archive and when one is made",
        arguments: ["a\nb", "a\\b", "..\\..\\evil.bat", "x\u{1b}[2Jy", "\u{7f}"])
    func oddNames(name: String) throws {
        var tar = TarImage()
        tar.add(.file, "tree/" + name, [1])
        let error = #expect(throws: EnvelopeError.self) { try unpack(CraftedEnvelope(tar: tar)) }
        #expect(
            error?.explanation.contains("holds a control character or a backslash") == true,
            "\(String(describing: error))")
        #expect(error?.explanation.unicodeScalars.contains { $0.value < 0x20 } == false)
        #expect(try scratch.names() == ["e.tza"])

        try scratch.write("tree/" + name, [1])
        let refusal = #expect(throws: EnvelopeError.self) {
            try Sealer(key: VectorFiles.key(), options: SealOptions(senderName: "alice.aint"))
                .seal(.path(scratch.path("tree").string), to: scratch.path("new.tza"))
        }
        #expect(refusal?.category == .noInput)
        #expect(refusal?.explanation.contains("which no receiver unpacks") == true)
        #expect(try scratch.names() == ["e.tza", "tree"])
    }

    @Test("Hidden names and links at the top are told")
    func told() throws {
        var tar = TarImage()
        tar.add(.file, ".bashrc", [1])
        tar.add(.symbolicLink, "link", link: "other")
        tar.add(.file, "plain", [1])
        let path = try scratch.write("e.tza", CraftedEnvelope(tar: tar).bytes(signedBy: try VectorFiles.key()))
        let report = try Unpacker().unpack(try EnvelopeFile(path: path), into: scratch.path("out"))
        #expect(report.hidden == [scratch.path("out/.bashrc")])
        #expect(report.links == [scratch.path("out/link")])
        #expect(report.paths.count == 3)
    }

    @Test(
        "A file that is said to have all the bytes there are is refused",
        arguments: [SealOptions.DirectoryLayout.tar, .files])
    func largestFile(layout: SealOptions.DirectoryLayout) throws {
        // A sparse file of 2^63-1 bytes cannot be made everywhere; what is planned for one is looked at instead.
        var options = SealOptions(senderName: "alice.aint")
        options.layout = layout
        for size: Int64 in [.max, .max - 511, Int64(EnvelopeLimits.contentBytes) + 1, -1] {
            #expect(ManifestDraft.estimate(for: [.init(name: "a", size: size)], options: options) == nil)
        }
        #expect(ManifestDraft.estimate(for: [.init(name: "a", size: 1 << 30)], options: options) != nil)
    }

    @Test("Removing what was unpacked ends, however much there is and whatever cannot be removed")
    func removal() throws {
        for number in 0..<2500 { try scratch.write("big/\(number % 50)/\(number)", [1]) }
        let root = try OwnedFile(path: scratch.path("."), flags: O_RDONLY | O_DIRECTORY)
        SafeTree.remove("big", in: root)
        #expect(try scratch.names() == [])
    }
}
