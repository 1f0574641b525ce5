package import Fabric

/// Times as tokens spell them.
package enum ForkTime {
    /// `YYYY-MM-DDTHH:MM:SS.ffffffZ`, without a fraction where it is zero, as the peers write now (`triage.md`, section 2).
    package static func text(_ moment: Timestamp) -> String {
        let micros = moment.nanoseconds / 1000
        guard micros > 0 else { return moment.iso8601 }
        let digits = String(micros)
        return moment.iso8601.dropLast() + "." + String(repeating: "0", count: 6 - digits.count) + digits + "Z"
    }

    /// Reads a time of ISO 8601: a date, with a time after `T` or a space, with a fraction, with `Z` or an offset from UTC.
    /// Without an offset it is UTC, as the peers mean it. Nil for anything else.
    package static func parse(_ text: String) -> Timestamp? {
        var rest = Substring(text)
        let offset = takeOffset(&rest)
        guard let offset else { return nil }
        if rest.utf8.count == 10 { rest = rest + "T00:00:00" }
        if rest.utf8.count == 16 { rest = rest + ":00" }
        var bytes = Array(rest.utf8)
        guard bytes.count >= 19 else { return nil }
        var nanoseconds: Int32 = 0
        if bytes.count > 19 {
            guard bytes[19] == UInt8(ascii: ".") || bytes[19] == UInt8(ascii: ","), (21...29).contains(bytes.count)
            else {
                return nil
            }
            var digits = bytes[20...]
            guard digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            digits += Array(repeating: 0x30, count: 9 - digits.count)
            nanoseconds = digits.reduce(0) { $0 * 10 + Int32($1 - 0x30) }
        }
        if bytes[10] == UInt8(ascii: " ") { bytes[10] = UInt8(ascii: "T") }
        guard let base = Timestamp(iso8601: String(decoding: bytes[..<19], as: UTF8.self) + "Z") else { return nil }
        return Timestamp(seconds: base.seconds - offset, nanoseconds: nanoseconds)
    }

    /// Takes the zone from the end, in seconds east of UTC; nil for one that makes no sense.
    private static func takeOffset(_ text: inout Substring) -> Int64? {
        if text.hasSuffix("Z") || text.hasSuffix("z") {
            text = text.dropLast()
            return 0
        }
        let tail = Array(text.utf8.suffix(6))
        guard tail.count == 6, text.utf8.count > 10, tail[3] == UInt8(ascii: ":"),
            tail[0] == UInt8(ascii: "+") || tail[0] == UInt8(ascii: "-")
        else { return 0 }
        guard let hours = Int64(String(decoding: tail[1...2], as: UTF8.self)), hours < 24,
            let minutes = Int64(String(decoding: tail[4...5], as: UTF8.self)), minutes < 60
        else { return nil }
        text = text.dropLast(6)
        return (tail[0] == UInt8(ascii: "-") ? -1 : 1) * (hours * 3600 + minutes * 60)
    }
}
