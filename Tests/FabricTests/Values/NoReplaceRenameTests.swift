import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Fabric

/// File systems whose rename cannot be told not to replace: NFS, 9p, vboxsf, many in user space.
@Suite("Renaming without replacing")
struct NoReplaceRenameTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func move(_ old: String, _ new: String) throws -> Bool {
        let folder = try OwnedFile(path: scratch.path("."), flags: O_RDONLY | O_DIRECTORY)
        return try NoReplaceRename.move(old, in: folder, to: new, in: folder, doing: "cannot move")
    }

    @Test("Files, folders and links move, and replace nothing", arguments: [false, true])
    func moving(isUnsupported: Bool) throws {
        try NoReplaceRename.$isUnsupported.withValue(isUnsupported) {
            try scratch.write("file", [1])
            try scratch.write("folder/inner", [2])
            try FileManager.default.createDirectory(
                atPath: scratch.path("empty").string, withIntermediateDirectories: false)
            #expect(symlink("nowhere", scratch.path("link").string) == 0)
            for (old, new) in [
                ("file", "folder"), ("file", "link"), ("folder", "file"), ("folder", "empty"), ("link", "file"),
            ] {
                #expect(try !move(old, new), "\(old) to \(new)")
            }
            for name in ["file", "folder", "link"] { #expect(try move(name, "new-" + name)) }
            #expect(try scratch.names() == ["empty", "new-file", "new-folder", "new-link"])
            #expect(try scratch.read("new-folder/inner") == [2])
            let error = #expect(throws: SystemFailure.self) { try move("missing", "x") }
            #expect(error?.errno == .noSuchFileOrDirectory)
        }
    }

    @Test("Sealing, unpacking, the ledger and the lane work there")
    func callers() throws {
        try NoReplaceRename.$isUnsupported.withValue(true) {
            try scratch.write("f.txt", [1, 2])
            let sealer = Sealer(key: try VectorFiles.key(), options: SealOptions(senderName: "alice.aint"))
            _ = try sealer.seal(.path(scratch.path("f.txt").string), to: scratch.path("e.tza"))
            let envelope = try EnvelopeFile(path: scratch.path("e.tza"))
            for _ in 0..<2 {
                let error = #expect(throws: EnvelopeError.self) {
                    try Unpacker().unpack(envelope, into: scratch.path("."))
                }
                guard case .targetExists = error else { Issue.record("\(String(describing: error))"); return }
            }
            _ = try Unpacker().unpack(envelope, into: scratch.path("new"))
            #expect(try scratch.read("new/f.txt") == [1, 2])
            try scratch.write("old/other", [3])
            _ = try Unpacker().unpack(envelope, into: scratch.path("old"))
            #expect(try scratch.names("old") == ["f.txt", "other"])
            let ledger = try TransferLedger(directory: scratch.path("ledger"))
            #expect(try ledger.remember(envelope.manifest, digest: envelope.manifest.computedContentDigest))
            #expect(try !ledger.remember(envelope.manifest, digest: envelope.manifest.computedContentDigest))
        }
    }

    @Test("What a killed unpacking left is removed by the next, and one at work is left alone")
    func leftovers() throws {
        try scratch.write("out/.unpacking-0123456789abcdef.part/deep/a", [1])
        try scratch.write("out/.unpacking-fedcba9876543210.part/a", [1])
        try scratch.write("out/.unpacking-mine/a", [1])
        let busy = try OwnedFile(
            path: scratch.path("out/.unpacking-fedcba9876543210.part"), flags: O_RDONLY | O_DIRECTORY)
        #expect(busy.lockIfFree())
        let path = try scratch.write("e.tza", CraftedEnvelope(named: ["a"]).bytes(signedBy: try VectorFiles.key()))
        _ = try Unpacker().unpack(try EnvelopeFile(path: path), into: scratch.path("out"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scratch.path("out").string).sorted()
                == [".unpacking-fedcba9876543210.part", ".unpacking-mine", "a"])
    }

    @Test("The working directory takes what does not collide", arguments: [".", "./", "sub/..", "../{}"])
    func workingDirectory(directory: String) throws {
        let path = try scratch.write("e.tza", CraftedEnvelope(named: ["a"]).bytes(signedBy: try VectorFiles.key()))
        try scratch.write("sub/b", [1])
        // Relative paths are those of the process, which other tests share: the folder is named by its own path.
        let own = scratch.path(
            directory.replacingOccurrences(of: "{}", with: scratch.path("").lastComponent?.string ?? ""))
        let report = try Unpacker().unpack(try EnvelopeFile(path: path), into: own)
        #expect(report.paths.count == 1)
        #expect(try scratch.names() == ["a", "e.tza", "sub"])
    }
}
