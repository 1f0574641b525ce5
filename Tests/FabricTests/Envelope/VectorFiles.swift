import Fabric
import Foundation
import SystemPackage

/// The files in `Vectors`, made by running the reference packages.
enum VectorFiles {
    static func url(_ name: String) throws -> URL {
        let folder = try found(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        return folder.appendingPathComponent(name)
    }

    static func path(_ name: String) throws -> FilePath {
        FilePath(try url(name).path)
    }

    static func json(_ name: String) throws -> [String: Any] {
        let object = try JSONSerialization.jsonObject(with: Data(contentsOf: try url(name)))
        return object as? [String: Any] ?? [:]
    }

    /// The signer of every vector: seed 00 01 … 1f.
    static func key() throws -> SigningKey { try SigningKey(seed: Array(0..<32)) }

    private static func found(_ url: URL?) throws -> URL {
        guard let url else { throw CocoaError(.fileNoSuchFile) }
        return url
    }
}

/// A directory of its own for one test, removed with it.
final class Scratch {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("fabric-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> FilePath { FilePath(url.appendingPathComponent(name).path) }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
        let target = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: target)
        return FilePath(target.path)
    }

    func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: url.appendingPathComponent(name))) }

    /// The names directly in the directory, hidden ones included, sorted.
    func names(_ below: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: url.appendingPathComponent(below).path).sorted()
    }
}

/// Bytes that do not compress, the same at every run.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        withUnsafeBytes(of: state) { bytes.append(contentsOf: $0) }
    }
    return Array(bytes.prefix(count))
}

/// Bytes that compress well, the same at every run.
func prose(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 64)
    var line = 0
    while bytes.count < count {
        bytes.append(contentsOf: "line \(line): seal once, carry by anything\n".utf8)
        line += 1
    }
    return Array(bytes.prefix(count))
}
