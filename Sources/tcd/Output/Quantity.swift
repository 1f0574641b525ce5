/// Numbers as people read them.
enum Quantity {
    /// A number of bytes with a binary unit: `512 B`, `1.5 KiB`, `20 GiB`.
    static func bytes(_ count: Int64) -> String {
        let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        guard count >= 1024 else { return "\(count) B" }
        var value = Double(count) / 1024
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return oneDecimal(value) + " " + units[unit]
    }

    /// `count` things: `1 block`, `2 blocks`.
    static func count(_ count: Int, _ thing: String) -> String { count == 1 ? "1 \(thing)" : "\(count) \(thing)s" }

    /// A time in whole milliseconds.
    static func milliseconds(_ time: Duration) -> Int64 {
        time.components.seconds * 1000 + time.components.attoseconds / 1_000_000_000_000_000
    }

    /// Reads a size such as `512`, `64K`, `10MiB` or `2G`; units are binary. Nil for anything else.
    static func parseBytes(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits) else { return nil }
        let shift: Int64? =
            switch text.dropFirst(digits.count).lowercased() {
            case "", "b": 0
            case "k", "kib", "kb": 10
            case "m", "mib", "mb": 20
            case "g", "gib", "gb": 30
            case "t", "tib", "tb": 40
            default: nil
            }
        guard let shift else { return nil }
        let (value, overflow) = number.multipliedReportingOverflow(by: 1 << shift)
        return overflow ? nil : value
    }

    private static func oneDecimal(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return tenths % 10 == 0 || tenths >= 1000 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
