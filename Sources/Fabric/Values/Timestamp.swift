internal import Glibc

/// An instant in UTC with the spellings that the wire formats use.
///
/// Small on purpose: Foundation's formatters would triple the start-up time of every command.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Whole seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
    public let seconds: Int64
    /// Nanoseconds within the second, 0 to 999,999,999.
    public let nanoseconds: Int32

    /// An instant from its parts.
    public init(seconds: Int64, nanoseconds: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// The wall clock's present instant. For stamps only: durations are measured on a monotonic clock.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int32(time.tv_nsec))
    }

    /// Milliseconds since 1970, for UUID version 7.
    public var milliseconds: Int64 { seconds * 1000 + Int64(nanoseconds) / 1_000_000 }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    /// `YYYY-MM-DDTHH:MM:SSZ`: the manifest's `created_at` (`envelope.md`, section 3) and the timestamp of
    /// `TIBET-SIG-V1` (`http-inbox.md`, section 3).
    public var iso8601: String {
        let c = components
        return "\(pad(c.year, 4))-\(pad(c.month))-\(pad(c.day))T\(pad(c.hour)):\(pad(c.minute)):\(pad(c.second))Z"
    }

    /// RFC 3339 with microseconds and offset, the manifest's `sealed_created_at` (`cep.md`, section 6.2).
    public var iso8601Microseconds: String {
        String(iso8601.dropLast()) + "." + pad(Int64(nanoseconds) / 1000, 6) + "+00:00"
    }

    /// `YYYY-MM-DD`, the peers' time fragment (`surface.md`, section 1).
    public var surfaceDate: String {
        let c = components
        return "\(pad(c.year, 4))-\(pad(c.month))-\(pad(c.day))"
    }

    /// `YYYY-MM-DDtHH-MMz`, the time fragment to the minute (`surface.md`, section 1).
    public var surfaceMinute: String {
        let c = components
        return "\(surfaceDate)t\(pad(c.hour))-\(pad(c.minute))z"
    }

    /// `YYYYMMDDtHHMMSSz`, CEP's compact time fragment (`surface.md`, section 1).
    public var surfaceCompact: String {
        let c = components
        return "\(pad(c.year, 4))\(pad(c.month))\(pad(c.day))t\(pad(c.hour))\(pad(c.minute))\(pad(c.second))z"
    }

    /// Reads exactly the 20-byte form `YYYY-MM-DDTHH:MM:SSZ`; nil for any other spelling or an impossible date.
    public init?(iso8601 text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 20, bytes[4] == 0x2d, bytes[7] == 0x2d, bytes[10] == 0x54, bytes[13] == 0x3a,
            bytes[16] == 0x3a, bytes[19] == 0x5a
        else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            var value: Int64 = 0
            for byte in bytes[range] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month), hour < 24, minute < 60, second < 60
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        seconds = days * 86400 + hour * 3600 + minute * 60 + second
        nanoseconds = 0
        // Refuses the 31st of April and the like: a real date comes back as it was written.
        guard day >= 1, iso8601 == text else { return nil }
    }

    private typealias Components = (
        year: Int64, month: Int64, day: Int64, hour: Int64, minute: Int64, second: Int64
    )

    /// Days since 1970-01-01 to a civil date, by shifting the year to begin in March so that leap days come last.
    private var components: Components {
        let days = seconds >= 0 ? seconds / 86400 : (seconds - 86399) / 86400
        let rest = seconds - days * 86400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * monthFromMarch + 2) / 5 + 1, hour: rest / 3600, minute: rest / 60 % 60,
            second: rest % 60
        )
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = (shiftedYear >= 0 ? shiftedYear : shiftedYear - 399) / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private func pad(_ value: Int64, _ width: Int = 2) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
