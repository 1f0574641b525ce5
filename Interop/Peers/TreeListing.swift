import Foundation
import Glibc

/// Everything that a directory holds, to be compared with that of another.
struct TreeListing: Equatable, CustomStringConvertible {
    private let lines: [String]

    /// Lists what is below `root`: kinds, modes, times to the nanosecond, link targets, contents.
    ///
    /// - Parameter contentsOnly: Whether to look at regular files and their bytes only, links followed, as the peers do.
    init(of root: URL, contentsOnly: Bool = false) throws {
        let names = try FileManager.default.subpathsOfDirectory(atPath: root.path)
        lines = try names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { name in
            let path = root.appendingPathComponent(name).path
            var status = stat()
            guard (contentsOnly ? stat(path, &status) : lstat(path, &status)) == 0 else { return "\(name) unreadable" }
            let kind = status.st_mode & S_IFMT
            if contentsOnly { return kind == S_IFREG ? "\(name) \(try Self.hash(path))" : nil }
            let mode = String(status.st_mode, radix: 8)
            let time = "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
            switch kind {
            case S_IFREG: return "\(name) \(mode) \(time) \(try Self.hash(path))"
            case S_IFLNK: return "\(name) → \(try FileManager.default.destinationOfSymbolicLink(atPath: path)) \(time)"
            default: return "\(name) \(mode) \(time)"
            }
        }
    }

    /// FNV-1a over the bytes: what differs by accident differs in it.
    private static func hash(_ path: String) throws -> String {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return "\(bytes.count) \(String(hash, radix: 16))"
    }

    var description: String { "\n" + lines.joined(separator: "\n") }
}
