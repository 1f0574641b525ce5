internal import Fabric

/// Where a request goes: the parts of its path, and its query, both decoded.
struct RequestAddress: Sendable {
    /// Path and query as they came.
    let target: String
    /// What stands between the slashes, each decoded once.
    let segments: [String]
    /// The query's pairs in order, decoded, with `+` for a space.
    let query: [(name: String, value: String)]

    /// Reads a request's target; nil for an escape that is none.
    init?(_ target: String) {
        self.target = target
        let halves = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        var segments: [String] = []
        for part in (halves.first ?? target.utf8[...]).split(separator: UInt8(ascii: "/")) {
            guard let text = Self.decoded(part, plusIsSpace: false) else { return nil }
            segments.append(text)
        }
        self.segments = segments
        var query: [(name: String, value: String)] = []
        if halves.count > 1 {
            for pair in halves[1].split(separator: UInt8(ascii: "&")) {
                let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                guard let name = Self.decoded(sides[0], plusIsSpace: true),
                    let value = sides.count > 1 ? Self.decoded(sides[1], plusIsSpace: true) : ""
                else { return nil }
                query.append((name, value))
            }
        }
        self.query = query
    }

    /// The last value of a name; nil where it is not named.
    func value(_ name: String) -> String? { query.last { $0.name == name }?.value }

    private static func decoded(_ text: Substring.UTF8View, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                let digits = String(decoding: rest.prefix(2), as: UTF8.self).lowercased()
                guard let decoded = Hex.decode(digits, count: 1) else { return nil }
                bytes += decoded
                rest = rest.dropFirst(2)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
