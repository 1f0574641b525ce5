import Foundation
import SystemPackage

/// An empty directory for one test, removed with the value.
final class ScratchDirectory: Sendable {
    let path: FilePath

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("fabric-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = FilePath(url.path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    func appending(_ name: String) -> FilePath { path.appending(name) }

    /// The names in the directory, sorted, hidden ones included.
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path.string).sorted() }

    func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: appending(name).string))
    }

    func read(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: appending(name).string)))
    }
}
