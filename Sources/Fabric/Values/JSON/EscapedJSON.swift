/// JSON text spelled as Python's `json.dumps` spells it, wherever a hash or a byte-equal file depends on the spelling.
enum EscapedJSON {
    /// `text` in quotes, pure ASCII: `\uxxxx` in lower-case digits for everything outside U+0020 to U+007E, surrogate
    /// pairs beyond U+FFFF, and `/` as it is (`cep.md`, section 7.1).
    static func quote(_ text: String) -> String {
        var quoted = "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: quoted += "\\\""
            case 0x5c: quoted += "\\\\"
            case 0x08: quoted += "\\b"
            case 0x09: quoted += "\\t"
            case 0x0a: quoted += "\\n"
            case 0x0c: quoted += "\\f"
            case 0x0d: quoted += "\\r"
            case 0x20...0x7e: quoted.unicodeScalars.append(UnicodeScalar(UInt8(unit)))
            default: quoted += "\\u" + Hex.encode([UInt8(unit >> 8), UInt8(unit & 0xff)])
            }
        }
        return quoted + "\""
    }

    /// Appends `string` in quotes, with only those escapes that JSON demands.
    static func quoteLightly(_ string: String, to text: inout String) {
        var string = string
        let isPlain = string.withUTF8 { plainRun(in: UnsafeRawBufferPointer($0), from: 0) == $0.count }
        text += "\""
        if isPlain {
            text += string
        } else {
            for scalar in string.unicodeScalars {
                if scalar.value < 0x80, needsEscape(UInt8(scalar.value)) {
                    text += quote(String(scalar)).dropFirst().dropLast()
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }

    /// Where the first byte from `start` stands that is no plain part of a JSON text: a control character, a quotation mark
    /// or a backslash. The end, where there is none.
    ///
    /// Most texts are plain and some are long: they are looked through eight bytes at a time.
    static func plainRun(in bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var offset = start
        while offset + 8 <= bytes.count {
            let word = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if mayNeedEscape(word) { break }
            offset += 8
        }
        while offset < bytes.count, !needsEscape(bytes[offset]) { offset += 1 }
        return offset
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Whether any of eight bytes needs an escape. A byte borrows from its neighbour only where one was found already.
    private static func mayNeedEscape(_ word: UInt64) -> Bool {
        let quotes = word ^ (ones &* 0x22)
        let backslashes = word ^ (ones &* 0x5c)
        let controls = (word &- ones &* 0x20) & ~word
        let hits = controls | ((quotes &- ones) & ~quotes) | ((backslashes &- ones) & ~backslashes)
        return hits & highs != 0
    }

    private static func needsEscape(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x22 || byte == 0x5c }
}
