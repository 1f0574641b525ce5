/// Ways to fill a manifest with values that mean nothing.
enum Nonsense: String, CaseIterable {
    /// One array of as many numbers as fit.
    case numbers
    /// Arrays in arrays, each claiming to go on until the end.
    case nestedArrays
    /// Maps in maps, each claiming to go on until the end.
    case nestedMaps
    /// Small maps of small maps.
    case smallMaps
    /// One text.
    case text
    /// Keys without end.
    case keys

    /// `count` bytes of it, as CBOR that begins like a manifest.
    func manifest(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = [0xa1, 0x61, 0x61]
        switch self {
        case .numbers: bytes += Self.head(4, count - 8)
        case .nestedArrays: for depth in 1...6 { bytes += Self.head(4, count - 64 - depth) }
        case .nestedMaps:
            for depth in 1...6 { bytes += Self.head(5, count / 2 - 64 - depth) + [0x61, 0x61] }
        case .smallMaps:
            bytes += Self.head(4, count / 8)
            while bytes.count < count { bytes += [0xa1, 0x61, 0x61, 0xa1, 0x61, 0x62, 0x81, 0x01] }
        case .text: bytes += Self.head(3, count - 8)
        case .keys:
            bytes += Self.head(5, count / 6)
            var key: UInt32 = 0
            while bytes.count < count {
                bytes += [0x64] + [18, 12, 6, 0].map { 0x30 + UInt8(key >> $0 & 0x3f) } + [0xf6]
                key += 1
            }
        }
        bytes += [UInt8](repeating: 0, count: max(0, count - bytes.count))
        return Array(bytes.prefix(count))
    }

    private static func head(_ major: UInt8, _ number: Int) -> [UInt8] {
        [major << 5 | 26] + CraftedEnvelope.length(number)
    }
}
