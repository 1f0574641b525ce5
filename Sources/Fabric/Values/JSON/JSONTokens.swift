/// A text in JSON's bytes, checked.
struct JSONStringToken {
    /// Where it stands, without its quotation marks.
    let range: Range<Int>
    /// Whether it has no escapes, so that its bytes are the text.
    let isPlain: Bool
}

/// Finds the tokens of JSON in bytes that are there as a whole (RFC 8259). Allocates nothing.
struct JSONTokens {
    let bytes: UnsafeRawBufferPointer
    var offset = 0

    func fault(_ reason: String) -> JSONFault { JSONFault(reason: reason, offset: offset) }

    var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        offset += 1
        return true
    }

    mutating func word(_ word: StaticString) throws(JSONFault) {
        for index in 0..<word.utf8CodeUnitCount where !take(word.utf8Start[index]) { throw fault("an unknown word") }
    }

    mutating func number() throws(JSONFault) -> Range<Int> {
        let start = offset
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try digits() }
        if take(UInt8(ascii: ".")) { try digits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try digits()
        }
        return start..<offset
    }

    private mutating func digits() throws(JSONFault) {
        let start = offset
        while let byte = next, (0x30...0x39).contains(byte) { offset += 1 }
        if offset == start { throw fault("a value was expected") }
    }

    /// A text, from its opening quotation mark on.
    mutating func string() throws(JSONFault) -> JSONStringToken {
        offset += 1
        let start = offset
        var isPlain = true
        while true {
            // Most of a text is plain: it is taken in runs.
            let end = EscapedJSON.plainRun(in: bytes, from: offset)
            guard UTF8Check.isValid(bytes, in: offset..<end) else { throw fault("a text is not UTF-8") }
            offset = end
            switch next {
            case UInt8(ascii: "\""):
                offset += 1
                return JSONStringToken(range: start..<end, isPlain: isPlain)
            case UInt8(ascii: "\\"):
                isPlain = false
                _ = try escape()
            case nil: throw fault("a text is not closed")
            default: throw fault("a control character stands in a text")
            }
        }
    }

    /// The character that an escape stands for, from its backslash on.
    mutating func escape() throws(JSONFault) -> Unicode.Scalar {
        offset += 1
        guard let byte = next else { throw fault("a text is not closed") }
        offset += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try scalar()
        default: throw fault("an unknown escape")
        }
    }

    private mutating func scalar() throws(JSONFault) -> Unicode.Scalar {
        let first = try codeUnit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(first), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw fault("half a surrogate pair")
        }
        let second = try codeUnit()
        guard UTF16.isTrailSurrogate(second) else { throw fault("half a surrogate pair") }
        let value = 0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00)
        guard let scalar = Unicode.Scalar(value) else { throw fault("half a surrogate pair") }
        return scalar
    }

    private mutating func codeUnit() throws(JSONFault) -> UInt16 {
        guard offset + 4 <= bytes.count else { throw fault("four hexadecimal digits were expected") }
        var unit: UInt16 = 0
        for byte in bytes[offset..<offset + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw fault("four hexadecimal digits were expected")
            }
            unit = unit << 4 | UInt16(digit)
        }
        offset += 4
        return unit
    }

    // MARK: - Texts

    /// The text of a token.
    func text(_ token: JSONStringToken) -> String {
        guard !token.isPlain else { return String(decoding: bytes[token.range], as: UTF8.self) }
        // No escape is shorter than what it stands for.
        return String(unsafeUninitializedCapacity: token.range.count) { buffer in
            var count = 0
            forEachRun(of: token) { run in
                switch run {
                case .plain(let range):
                    for byte in bytes[range] {
                        buffer[count] = byte
                        count += 1
                    }
                case .escaped(let scalar):
                    for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
                        buffer[count] = byte
                        count += 1
                    }
                }
            }
            return count
        }
    }

    /// A part of a text.
    enum Run {
        /// Bytes without escapes.
        case plain(Range<Int>)
        /// An escape, and what it stands for.
        case escaped(Unicode.Scalar)
    }

    /// Calls `body` with each part of a token that was checked.
    func forEachRun(of token: JSONStringToken, _ body: (Run) -> Void) {
        var reader = self
        reader.offset = token.range.lowerBound
        while reader.offset < token.range.upperBound {
            let end = min(EscapedJSON.plainRun(in: bytes, from: reader.offset), token.range.upperBound)
            if end > reader.offset { body(.plain(reader.offset..<end)) }
            reader.offset = end
            guard end < token.range.upperBound, let scalar = try? reader.escape() else { return }
            body(.escaped(scalar))
        }
    }
}

/// Whether bytes are UTF-8 (RFC 3629), without a copy of them.
enum UTF8Check {
    static func isValid(_ bytes: UnsafeRawBufferPointer, in range: Range<Int>) -> Bool {
        var offset = range.lowerBound
        while offset < range.upperBound {
            // Most texts are ASCII: eight bytes at a time.
            while offset + 8 <= range.upperBound,
                bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                offset += 8
            }
            guard offset < range.upperBound else { return true }
            let first = bytes[offset]
            offset += 1
            guard first >= 0x80 else { continue }
            let (count, second): (Int, ClosedRange<UInt8>) =
                switch first {
                case 0xc2...0xdf: (1, 0x80...0xbf)
                case 0xe0: (2, 0xa0...0xbf)
                case 0xed: (2, 0x80...0x9f)
                case 0xe1...0xef: (2, 0x80...0xbf)
                case 0xf0: (3, 0x90...0xbf)
                case 0xf1...0xf3: (3, 0x80...0xbf)
                case 0xf4: (3, 0x80...0x8f)
                default: (0, 0x80...0xbf)
                }
            guard count > 0, offset + count <= range.upperBound, second.contains(bytes[offset]) else { return false }
            for index in 1..<max(1, count) where bytes[offset + index] & 0xc0 != 0x80 { return false }
            offset += count
        }
        return true
    }
}
