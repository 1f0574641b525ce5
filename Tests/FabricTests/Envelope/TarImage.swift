/// A tar put together by hand, header by header, so that it can say what no honest program would write.
struct TarImage {
    private(set) var bytes: [UInt8] = []

    /// The kinds of entries, by their letter in the header.
    enum Kind: Character {
        case file = "0"
        case hardLink = "1"
        case symbolicLink = "2"
        case characterDevice = "3"
        case blockDevice = "4"
        case folder = "5"
        case pipe = "6"
        case sparseFile = "S"
        case extendedHeader = "x"
    }

    /// Adds an entry.
    ///
    /// - Parameter declaring: The size to write into the header; that of `content` by default.
    /// - Parameter patch: What to change in the header before its checksum is made.
    mutating func add(
        _ kind: Kind, _ path: String, _ content: [UInt8] = [], link: String = "", mode: Int = 0o644,
        declaring size: Int? = nil, patch: (inout [UInt8]) -> Void = { _ in }
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        Self.put(path, at: 0, in: &header)
        Self.put(Self.octal(mode, 7), at: 100, in: &header)
        Self.put(Self.octal(0, 7), at: 108, in: &header)
        Self.put(Self.octal(0, 7), at: 116, in: &header)
        Self.put(Self.octal(size ?? content.count, 11), at: 124, in: &header)
        Self.put(Self.octal(1_000_000_000, 11), at: 136, in: &header)
        Self.put(String(kind.rawValue), at: 156, in: &header)
        Self.put(link, at: 157, in: &header)
        Self.put(kind == .sparseFile ? "ustar  " : "ustar\u{0}00", at: 257, in: &header)
        patch(&header)
        Self.put(String(repeating: " ", count: 8), at: 148, in: &header)
        Self.put(Self.octal(header.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", at: 148, in: &header)
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// Adds the records of a pax header, which speak of the entry after it.
    mutating func addRecords(_ records: [(key: String, value: String)]) {
        let lines = records.map { key, value in
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count + 1
            while String(length).utf8.count + rest.utf8.count != length { length += 1 }
            return "\(length)\(rest)"
        }
        add(.extendedHeader, "PaxHeader", Array(lines.joined().utf8))
    }

    /// The whole, with its end.
    var closed: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    static func put(_ text: String, at offset: Int, in header: inout [UInt8]) {
        for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
    }

    static func octal(_ number: Int, _ width: Int) -> String {
        let digits = String(number, radix: 8)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
