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
            var maps: [UInt8] = [0xa1, 0x61, 0x61, 0xa1, 0x61, 0x62, 0x81, 0x01]
            while maps.count < count { maps += maps }
            bytes += maps.prefix(count - bytes.count)
        case .text: bytes += Self.head(3, count - 8)
        case .keys:
            bytes += Self.head(5, count / 6)
            // More than are ever read.
            bytes.reserveCapacity(count)
            for key in 0..<1_060_000 as Range<UInt32> {
                bytes.append(0x64)
                for shift in [18, 12, 6, 0] as [UInt32] { bytes.append(0x30 + UInt8(key >> shift & 0x3f)) }
                bytes.append(0xf6)
            }
        }
        bytes += [UInt8](repeating: 0, count: max(0, count - bytes.count))
        return Array(bytes.prefix(count))
    }

    private static func head(_ major: UInt8, _ number: Int) -> [UInt8] {
        [major << 5 | 26] + CraftedEnvelope.length(number)
    }
}
