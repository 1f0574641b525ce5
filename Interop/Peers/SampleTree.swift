import Foundation
import Glibc
import ProgramRunner

/// A directory with everything in it that an envelope has to keep.
enum SampleTree {
    /// Makes one called `name` in `folder`.
    static func make(_ name: String, in folder: WorkFolder) throws {
        try folder.write("\(name)/a.txt", prose(1000))
        try folder.write("\(name)/.hidden", prose(3))
        try folder.write("\(name)/a/b.txt", prose(70_000))
        try folder.write("\(name)/a b.txt", prose(12))
        try folder.write("\(name)/empty.dat", [])
        try folder.write("\(name)/noise.bin", noise(300_000))
        try folder.write("\(name)/sub/deep/er/z.txt", prose(5))
        try folder.write("\(name)/日本/語.txt", prose(9))
        // One é is one code point, the other two.
        try folder.write("\(name)/\u{e9}.txt", prose(7))
        try folder.write("\(name)/e\u{301}.txt", prose(8))
        try folder.write("\(name)/emoji-😀.bin", noise(99))
    }

    /// Adds what only a tar keeps: modes, times, links, empty folders.
    static func decorate(_ name: String, in folder: WorkFolder) throws {
        let files = FileManager.default
        try folder.folder("\(name)/empty folder")
        try files.createSymbolicLink(atPath: folder.path("\(name)/link"), withDestinationPath: "a/b.txt")
        try files.createSymbolicLink(atPath: folder.path("\(name)/sub/up"), withDestinationPath: "../a")
        try files.createSymbolicLink(atPath: folder.path("\(name)/dangling"), withDestinationPath: "nowhere")
        for (path, mode) in [("a.txt", 0o750), ("noise.bin", 0o600), ("a", 0o711), ("empty folder", 0o750)] {
            chmod(folder.path("\(name)/\(path)"), mode_t(mode))
        }
        // Inner things first, because making them changes the times of folders.
        for (number, path) in ["a/b.txt", "a.txt", "link", "sub/deep", "a", "empty folder", "sub", ""].enumerated() {
            var times = [timespec(), timespec()]
            times[0].tv_sec = 1_000_000_000 + number
            times[1].tv_sec = 1_000_000_000 + number
            times[1].tv_nsec = 123_456_700 + number
            utimensat(AT_FDCWD, folder.path("\(name)/\(path)"), times, AT_SYMLINK_NOFOLLOW)
        }
    }
}
