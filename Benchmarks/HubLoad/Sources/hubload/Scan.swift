import Glibc

/// Finds the few values that matter in an answer without reading all of it as JSON: the load must not cost more than
/// what it loads.
enum Scan {
    /// The texts that follow each `"key":"` (or `"key": "`), up to the next quotation mark.
    static func texts(_ key: String, in bytes: [UInt8]) -> [String] {
        var found: [String] = []
        let pattern = Array("\"\(key)\":".utf8)
        bytes.withUnsafeBytes { bytes in
            var index = 0
            while let at = place(of: pattern, in: bytes, from: index) {
                index = at + pattern.count
                while index < bytes.count, bytes[index] == 0x20 { index += 1 }
                guard index < bytes.count, bytes[index] == 0x22 else { continue }
                let start = index + 1
                guard let close = place(of: 0x22, in: bytes, from: start) else { break }
                found.append(String(decoding: bytes[start..<close], as: UTF8.self))
                index = close + 1
            }
        }
        return found
    }

    /// The moments that payloads of ours carry (`@` and nineteen digits), in order.
    static func stamps(in bytes: [UInt8]) -> [UInt64] {
        var found: [UInt64] = []
        bytes.withUnsafeBytes { bytes in
            var index = 0
            while let at = place(of: UInt8(ascii: "@"), in: bytes, from: index), at + Stamp.length <= bytes.count {
                guard let stamp = Stamp.read(bytes, at) else {
                    index = at + 1
                    continue
                }
                found.append(stamp)
                index = at + Stamp.length
            }
        }
        return found
    }

    // The C library's searches go over many bytes at a time.

    private static func place(of pattern: [UInt8], in bytes: UnsafeRawBufferPointer, from index: Int) -> Int? {
        var index = index
        while let at = place(of: pattern[0], in: bytes, from: index), at + pattern.count <= bytes.count {
            if memcmp(bytes.baseAddress! + at, pattern, pattern.count) == 0 { return at }
            index = at + 1
        }
        return nil
    }

    static func place(of byte: UInt8, in bytes: UnsafeRawBufferPointer, from index: Int) -> Int? {
        guard let base = bytes.baseAddress, index < bytes.count else { return nil }
        return memchr(base + index, Int32(byte), bytes.count - index).map { UnsafeRawPointer($0) - base }
    }
}
