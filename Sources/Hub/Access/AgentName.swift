/// The name of a mailbox: lower case, without `.aint`.
enum AgentName {
    /// The most bytes that a name has.
    static let longest = 253

    /// The name in `text`, trimmed, lower-cased, and without one `.aint` at its end; nil unless it then consists of labels
    /// of letters, digits, hyphens and underscores with dots between them (`ains.md`, section 1).
    static func parse(_ text: String) -> String? {
        let name = normalised(text)
        guard (1...longest).contains(name.utf8.count),
            name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy({ isLabel($0) })
        else { return nil }
        return name
    }

    /// The text as a name is written, whether or not it can be one.
    static func normalised(_ text: String) -> String {
        var bytes = text.lowercased().utf8.drop(while: isSpace)
        while let last = bytes.last, isSpace(last) { bytes.removeLast() }
        let suffix = ".aint"
        if bytes.count > suffix.utf8.count, bytes.reversed().starts(with: suffix.utf8.reversed()) {
            bytes = bytes.dropLast(suffix.utf8.count)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func isLabel(_ bytes: some Collection<UInt8>) -> Bool {
        (1...63).contains(bytes.count)
            && bytes.allSatisfy { byte in
                (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: "_")
            }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
}
