/// Finds the few values that matter in an answer without reading all of it as JSON: the load must not cost more than
/// what it loads.
enum Scan {
    /// The texts that follow each `"key":"` (or `"key": "`), up to the next quotation mark.
    static func texts(_ key: String, in bytes: [UInt8]) -> [String] {
        var found: [String] = []
        let pattern = Array("\"\(key)\":".utf8)
        var index = 0
        while let at = next(pattern, in: bytes, from: index) {
            index = at + pattern.count
            while index < bytes.count, bytes[index] == 0x20 { index += 1 }
            guard index < bytes.count, bytes[index] == 0x22 else { continue }
            let start = index + 1
            guard let close = bytes[start...].firstIndex(of: 0x22) else { break }
            found.append(String(decoding: bytes[start..<close], as: UTF8.self))
            index = close + 1
        }
        return found
    }

    /// The moments that payloads of ours carry (`@` and nineteen digits), in order.
    static func stamps(in bytes: [UInt8]) -> [UInt64] {
        var found: [UInt64] = []
        var index = 0
        bytes.withUnsafeBufferPointer { buffer in
            while index + Stamp.length <= buffer.count {
                guard buffer[index] == UInt8(ascii: "@"), let stamp = Stamp.read(buffer, index) else {
                    index += 1
                    continue
                }
                found.append(stamp)
                index += Stamp.length
            }
        }
        return found
    }

    private static func next(_ pattern: [UInt8], in bytes: [UInt8], from index: Int) -> Int? {
        guard pattern.count <= bytes.count else { return nil }
        var at = index
        while at + pattern.count <= bytes.count {
            if bytes[at] == pattern[0], bytes[at..<at + pattern.count].elementsEqual(pattern) { return at }
            at += 1
        }
        return nil
    }
}
