/// A rate of bytes, as people write it.
///
/// `10MiB/s` and `5MB/s` count bytes, `800kbit/s` counts bits; binary prefixes (`Ki`, `Mi`, `Gi`) are powers of 1024,
/// decimal ones (`k`, `M`, `G`) powers of 1000. A number with `K`, `M` or `G` alone is a size for each second with the binary
/// units of all sizes: `10M` is `10MiB/s`.
public struct Bandwidth: Hashable, Sendable, CustomStringConvertible {
    /// Bytes in each second; at least 1.
    public let bytesPerSecond: Int64

    /// A rate from its number; nil unless it is at least 1.
    public init?(bytesPerSecond: Int64) {
        guard bytesPerSecond >= 1 else { return nil }
        self.bytesPerSecond = bytesPerSecond
    }

    /// A rate as in `10MiB/s`, `1.5MB/s`, `800kbit/s`, `10M` or `512K`; nil for anything else.
    public init?(parsing text: String) {
        if let match = text.wholeMatch(of: /([0-9]{1,15})([kKmMgG])/), let count = Int64(match.output.1) {
            let shift: Int64 =
                switch match.output.2.lowercased() {
                case "k": 10
                case "m": 20
                default: 30
                }
            let (rate, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
            guard !overflow else { return nil }
            self.init(bytesPerSecond: rate)
            return
        }
        guard let match = text.wholeMatch(of: /([0-9]{1,12})(?:\.([0-9]{1,6}))?\s?(Ki|Mi|Gi|[kMG])?(B|bit)\/s/) else {
            return nil
        }
        guard let whole = Double(match.output.1 + "." + (match.output.2 ?? "0")) else { return nil }
        let factor: Double =
            switch match.output.3 {
            case "k": 1e3
            case "M": 1e6
            case "G": 1e9
            case "Ki": 1024
            case "Mi": 1_048_576
            case "Gi": 1_073_741_824
            default: 1
            }
        let rate = whole * factor / (match.output.4 == "bit" ? 8 : 1)
        guard rate < 1e18 else { return nil }
        self.init(bytesPerSecond: Int64(rate))
    }

    /// The largest binary unit that gives a whole number, for example `10MiB/s`.
    public var description: String {
        for (unit, factor) in [("GiB", Int64(1) << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where bytesPerSecond % factor == 0 {
            return "\(bytesPerSecond / factor)\(unit)/s"
        }
        return "\(bytesPerSecond)B/s"
    }
}
