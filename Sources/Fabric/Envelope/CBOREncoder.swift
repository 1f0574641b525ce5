/// Writes canonical CBOR: definite lengths, shortest heads, keys in order (`envelope.md`, section 4).
enum CBOREncoder {
    /// The encoding of `value`.
    ///
    /// - Parameter count: How many bytes it will have, as far as that is known.
    static func encode(_ value: CBOR, reserving count: Int = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        append(value, to: &bytes)
        return bytes
    }

    /// The encoding of `map`.
    static func encode(_ map: CBORMap) -> [UInt8] {
        encode(.map(map))
    }

    private static func append(_ value: CBOR, to bytes: inout [UInt8]) {
        switch value {
        case .unsigned(let number): appendHead(major: 0, number, to: &bytes)
        case .negative(let number): appendHead(major: 1, number, to: &bytes)
        case .text(let text): appendText(text, to: &bytes)
        case .array(let values):
            appendHead(major: 4, UInt64(values.count), to: &bytes)
            for value in values { append(value, to: &bytes) }
        case .map(let map):
            appendHead(major: 5, UInt64(map.pairs.count), to: &bytes)
            for (key, value) in map.pairs {
                appendText(key, to: &bytes)
                append(value, to: &bytes)
            }
        case .bool(let flag): bytes.append(flag ? 0xf5 : 0xf4)
        case .null: bytes.append(0xf6)
        }
    }

    private static func appendText(_ text: String, to bytes: inout [UInt8]) {
        appendHead(major: 3, UInt64(text.utf8.count), to: &bytes)
        bytes.append(contentsOf: text.utf8)
    }

    private static func appendHead(major: UInt8, _ number: UInt64, to bytes: inout [UInt8]) {
        let top = major << 5
        let width: Int
        switch number {
        case ..<24:
            bytes.append(top | UInt8(number))
            return
        case ...0xff: (width, _) = (1, bytes.append(top | 24))
        case ...0xffff: (width, _) = (2, bytes.append(top | 25))
        case ...0xffff_ffff: (width, _) = (4, bytes.append(top | 26))
        default: (width, _) = (8, bytes.append(top | 27))
        }
        for shift in stride(from: (width - 1) * 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
        }
    }
}
