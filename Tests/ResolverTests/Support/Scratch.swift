import Foundation
import SystemPackage

/// An empty directory for one test, removed with the value.
final class Scratch: Sendable {
    let path: FilePath

    init() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("resolver-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = FilePath(url.path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    func write(_ text: String, to name: String) throws -> FilePath {
        let file = path.appending(name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file.string))
        return file
    }

    func names(_ name: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path.appending(name).string)) ?? []).sorted()
    }
}
