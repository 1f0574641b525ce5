/// Bytes that do not compress, the same at every run.
public func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    var words = [UInt64](repeating: 0, count: count / 8 + 1)
    for index in words.indices {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        words[index] = state
    }
    return words.withUnsafeBytes { Array($0.prefix(count)) }
}

/// Bytes that compress well, the same at every run.
public func prose(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var line = 0
    while bytes.count < count {
        bytes.append(contentsOf: "line \(line): seal once, carry by anything\n".utf8)
        line += 1
    }
    return Array(bytes.prefix(count))
}
