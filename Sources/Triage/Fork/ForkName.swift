internal import Fabric

/// What the files of a fork are called here (`ipoll.md`, section 8.2): the token's own id where that is harmless, else a
/// name made from its content.
package enum ForkName {
    /// The stem of all file names of `token`.
    ///
    /// An id of 1 to 64 letters, digits, hyphens and underscores of ASCII, beginning with none of the latter two, is
    /// taken as it is. Anything else (`../../etc/passwd`, `zoë`, nothing at all) becomes `fork_` and digits of the digest
    /// of the token, which no id of the former kind can be mistaken for by more than chance.
    package static func stem(of token: ForkToken) -> String {
        isHarmless(token.id)
            ? token.id
            : "fork_" + Digest(of: JSONValue.object(token.fields).text(.sortedPython).utf8).hex.prefix(24)
    }

    /// Whether `id` can be part of a file name.
    package static func isHarmless(_ id: String) -> Bool {
        let bytes = Array(id.utf8)
        guard (1...64).contains(bytes.count), bytes[0] != UInt8(ascii: "-"), bytes[0] != UInt8(ascii: "_") else {
            return false
        }
        return bytes.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }

    /// A fresh id: `fork-` and 12 hexadecimal digits.
    package static func freshID() -> String {
        var generator = SystemRandomNumberGenerator()
        let random = generator.next()
        return "fork-" + Hex.encode((0..<6).map { UInt8(truncatingIfNeeded: random >> UInt64($0 * 8)) })
    }
}
