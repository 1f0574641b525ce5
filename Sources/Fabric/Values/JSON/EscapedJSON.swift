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

    /// `text` in quotes, with only those escapes that JSON demands.
    static func lightlyQuoted(_ text: String) -> String {
        let needs: (UInt8) -> Bool = { $0 < 0x20 || $0 == 0x22 || $0 == 0x5c }
        guard text.utf8.contains(where: needs) else { return "\"" + text + "\"" }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar.value < 0x80, needs(UInt8(scalar.value)) {
                quoted += quote(String(scalar)).dropFirst().dropLast()
            } else {
                quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
