import CarrierHTTP
import Fabric
import Foundation
import SystemPackage

/// A directory that goes with the test.
final class Workspace: Sendable {
    let path: FilePath

    init() { path = try! Directories.createUnique("carrier-http-") }

    deinit { try? FileManager.default.removeItem(atPath: path.string) }

    /// Names of the visible files in a directory below this one.
    func visible(_ directory: String = "lane") -> [String] { all(directory).filter { !$0.hasPrefix(".") } }

    /// Names of all files in a directory below this one.
    func all(_ directory: String = "lane") -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path.appending(directory).string)) ?? []).sorted()
    }

    /// Unfinished single deposits: none may stay behind.
    var leftovers: [String] { all().filter { $0.hasSuffix(".part") } }

    func content(_ name: String, in directory: String = "lane") -> [UInt8]? {
        FileManager.default.contents(atPath: path.appending(directory).appending(name).string).map { Array($0) }
    }

    func write(_ bytes: [UInt8], to name: String) -> FilePath {
        let file = path.appending(name)
        _ = FileManager.default.createFile(atPath: file.string, contents: Data(bytes))
        return file
    }
}

/// Bytes that differ from place to place, so that a shifted block shows.
func pattern(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    let words = [UInt64](unsafeUninitializedCapacity: count / 8 + 1) { buffer, initialized in
        for index in 0..<buffer.count {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            buffer[index] = state
        }
        initialized = buffer.count
    }
    return words.withUnsafeBytes { Array($0.prefix(count)) }
}

/// An envelope in memory.
func envelope(_ name: String, _ bytes: [UInt8]) -> SealedEnvelope {
    SealedEnvelope(name: ArrivalName(name)!, digest: Digest(of: bytes), size: Int64(bytes.count)) {
        ArraySource(bytes: bytes)
    }
}

struct ArraySource: EnvelopeSource {
    let bytes: [UInt8]

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        let start = min(Int(offset), bytes.count)
        let count = min(buffer.count, bytes.count - start)
        buffer.copyBytes(from: bytes[start..<(start + count)])
        return count
    }
}

/// Does `body` on a thread of its own, as it blocks.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread { continuation.resume(returning: body()) }.start()
    }
}

/// A key whose seed is one byte over and over.
func key(_ byte: UInt8) -> SigningKey { try! SigningKey(seed: [UInt8](repeating: byte, count: 32)) }
