/// Why bytes are not the canonical CBOR of one value.
enum CBORError: Error, Equatable {
    /// The bytes are no value of the subset at all.
    case malformed(String)
    /// The bytes spell a value in another than the one canonical way.
    case notCanonical(String)
}

/// Reads canonical CBOR and nothing else.
///
/// Canonical form is checked while reading, so what was read always encodes to the same bytes again. A count is
/// believed only as far as bytes remain for it, nesting is bounded, and so is the number of values.
struct CBORDecoder {
    /// How deep arrays and maps may nest. A manifest needs three levels.
    static let deepest = 8
    /// How many keys one map may have. A manifest has some twenty.
    static let mostKeys = 4096
    /// How much memory the values may take together, in bytes. What our own entries take for the largest manifest is two
    /// thirds of it.
    static let mostMemory = 48 << 20

    private let bytes: UnsafeRawBufferPointer
    private var position = 0
    private var valuesLeft: Int
    private var memoryLeft = CBORDecoder.mostMemory

    /// Reads the one value that `bytes` must consist of.
    ///
    /// - Parameter mostValues: How many values, nested ones included, may be made.
    static func decode(_ bytes: UnsafeRawBufferPointer, mostValues: Int) throws(CBORError) -> CBOR {
        var decoder = CBORDecoder(bytes: bytes, valuesLeft: mostValues)
        let value = try decoder.value(depth: 0)
        guard decoder.position == bytes.count else {
            throw .malformed("\(bytes.count - decoder.position) bytes follow the value")
        }
        return value
    }

    private init(bytes: UnsafeRawBufferPointer, valuesLeft: Int) {
        self.bytes = bytes
        self.valuesLeft = valuesLeft
    }

    private var remaining: Int { bytes.count - position }

    private mutating func value(depth: Int) throws(CBORError) -> CBOR {
        valuesLeft -= 1
        memoryLeft -= MemoryLayout<CBOR>.stride
        guard valuesLeft >= 0, memoryLeft >= 0 else { throw .malformed("too many values") }
        guard remaining > 0 else { throw .malformed("the bytes end inside a value") }
        let initial = bytes[position]
        switch initial >> 5 {
        case 0: return .unsigned(try head())
        case 1: return .negative(try head())
        case 3: return .text(try text())
        case 4: return try array(depth: depth)
        case 5: return try map(depth: depth)
        case 6: throw .malformed("a tag stands where a value is expected")
        case 7: return try simple(initial)
        default: throw .malformed("byte strings have no place here")
        }
    }

    private mutating func simple(_ initial: UInt8) throws(CBORError) -> CBOR {
        position += 1
        switch initial {
        case 0xf4: return .bool(false)
        case 0xf5: return .bool(true)
        case 0xf6: return .null
        default: throw .malformed("unknown simple value or float (0x\(Hex.encode([initial])))")
        }
    }

    /// Reads an initial byte and the number that follows it, which must be in its shortest form.
    private mutating func head() throws(CBORError) -> UInt64 {
        guard remaining > 0 else { throw .malformed("the bytes end inside a value") }
        let low = bytes[position] & 0x1f
        position += 1
        guard low >= 24 else { return UInt64(low) }
        guard low != 31 else { throw .notCanonical("indefinite length") }
        guard low < 28 else { throw .malformed("reserved length") }
        let width = 1 << Int(low - 24)
        guard remaining >= width else { throw .malformed("the bytes end inside a number") }
        var number: UInt64 = 0
        for _ in 0..<width {
            number = number << 8 | UInt64(bytes[position])
            position += 1
        }
        let smallest: [UInt64] = [24, 0x100, 0x1_0000, 0x1_0000_0000]
        guard number >= smallest[Int(low - 24)] else { throw .notCanonical("a number is longer than it needs to be") }
        return number
    }

    private mutating func text() throws(CBORError) -> String {
        let count = try head()
        guard count <= UInt64(remaining) else { throw .malformed("a text is longer than what remains") }
        // A short text is in the string itself, a longer one on the heap.
        memoryLeft -= MemoryLayout<String>.stride + (count > 15 ? Int(count) + 32 : 0)
        guard memoryLeft >= 0 else { throw .malformed("too many values") }
        let slice = bytes[position..<(position + Int(count))]
        guard let text = String(validating: slice, as: UTF8.self) else { throw .malformed("a text is not UTF-8") }
        position += Int(count)
        return text
    }

    private mutating func array(depth: Int) throws(CBORError) -> CBOR {
        guard depth < Self.deepest else { throw .malformed("nested too deeply") }
        let count = try head()
        // Each element takes a byte at least, so a larger count cannot be true.
        guard count <= UInt64(remaining) else { throw .malformed("an array is longer than what remains") }
        var values: [CBOR] = []
        values.reserveCapacity(min(Int(count), valuesLeft))
        for _ in 0..<count { values.append(try value(depth: depth + 1)) }
        return .array(values)
    }

    private mutating func map(depth: Int) throws(CBORError) -> CBOR {
        guard depth < Self.deepest else { throw .malformed("nested too deeply") }
        let count = try head()
        guard count <= UInt64(remaining / 2) else { throw .malformed("a map is longer than what remains") }
        guard count <= UInt64(Self.mostKeys) else { throw .malformed("a map has too many keys") }
        var pairs: [(key: String, value: CBOR)] = []
        pairs.reserveCapacity(min(Int(count), valuesLeft))
        for _ in 0..<count {
            guard remaining > 0, bytes[position] >> 5 == 3 else { throw .malformed("a map key is not text") }
            let key = try text()
            if let previous = pairs.last?.key {
                let order = CBORMap.order(previous, key)
                guard order != 0 else { throw .notCanonical("the key '\(DisplayText.line(key))' stands twice") }
                guard order < 0 else { throw .notCanonical("map keys are out of order") }
            }
            pairs.append((key, try value(depth: depth + 1)))
        }
        return .map(CBORMap(canonical: pairs))
    }
}
