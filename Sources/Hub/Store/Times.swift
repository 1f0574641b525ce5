internal import Fabric

/// Times as the store keeps them: microseconds since 1970 in UTC.
extension Timestamp {
    var microseconds: Int64 { seconds * 1_000_000 + Int64(nanoseconds) / 1000 }

    init(microseconds: Int64) {
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        self =
            rest < 0
            ? Timestamp(seconds: seconds - 1, nanoseconds: Int32(rest + 1_000_000) * 1000)
            : Timestamp(seconds: seconds, nanoseconds: Int32(rest) * 1000)
    }
}

extension Duration {
    /// Microseconds, none for what is negative, and at most a thousand years.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        guard self > .zero else { return 0 }
        guard seconds < 31_536_000_000 else { return 31_536_000_000_000_000 }
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
