internal import ArgumentParser
internal import FoundationEssentials

/// A length of time as every option and setting takes it: seconds (`90`, `0.5`), or numbers with units (`5m`, `1h30m`,
/// `250ms`). The units are `ms`, `s`, `m`, `h`, `d` and `w`.
struct TimeSpan: Sendable, Comparable {
    let seconds: Double

    private static let units: [(name: Substring, seconds: Double)] = [
        ("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400), ("w", 604800),
    ]

    init(seconds: Double) { self.seconds = seconds }

    /// Nil unless the text is a length of time that is a finite number of seconds.
    init?(_ text: String) {
        var rest = text[...]
        var total = 0.0
        repeat {
            let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            // A point needs digits on both sides.
            guard digits.utf8.count <= 24, digits.first?.isNumber == true, digits.last?.isNumber == true,
                let number = Double(digits)
            else { return nil }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
            if name.isEmpty {
                // Only a number by itself counts seconds without saying so.
                guard digits.count == text.count else { return nil }
                total = number
            } else {
                guard let unit = Self.units.first(where: { $0.name == name }) else { return nil }
                total += number * unit.seconds
            }
        } while !rest.isEmpty
        guard total.isFinite else { return nil }
        seconds = total
    }

    static func < (left: TimeSpan, right: TimeSpan) -> Bool { left.seconds < right.seconds }
}

extension TimeSpan: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
    init(floatLiteral value: Double) { seconds = value }
    init(integerLiteral value: Int) { seconds = Double(value) }
}

extension TimeSpan: CustomStringConvertible {
    /// As it can be read again, for example `90` or `0.5`.
    var description: String {
        Int64(exactly: seconds).map { "\($0)" } ?? "\(seconds)"
    }
}

extension TimeSpan: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

/// Lengths of time from the command line and the environment, within the bounds that timers take.
enum Seconds {
    /// The longest time that can be asked for, about four months.
    static let most = 10_000_000

    /// The time that `option` asks for; at least a millisecond.
    static func duration(_ span: TimeSpan, of option: String) throws -> Duration {
        guard span > 0, let duration = try limit(span, of: option) else {
            throw UsageError("\(option): expected a time of more than 0, got '\(span)'", remedy: examples)
        }
        return duration
    }

    /// The time after which `option` ends something; nil for 0, which is for ever.
    static func limit(_ span: TimeSpan, of option: String) throws -> Duration? {
        guard (0...TimeSpan(seconds: Double(most))) ~= span else {
            throw UsageError("\(option): expected a time of at most \(most) seconds, got '\(span)'", remedy: examples)
        }
        return span == 0 ? nil : max(.milliseconds(1), .seconds(span.seconds))
    }

    private static let examples = "give seconds, or a time such as 5m or 1h30m"

    /// The time that a flag asks for, else a variable, else `fallback`.
    static func duration(
        _ asked: TimeSpan?, of flag: String, variable: String, else fallback: TimeSpan
    ) throws -> Duration {
        if let asked { return try duration(asked, of: flag) }
        guard let text = ProcessInfo.processInfo.environment[variable], !text.isEmpty else {
            return .seconds(fallback.seconds)
        }
        guard let span = TimeSpan(text) else {
            throw UsageError(
                "\(variable): expected a length of time, got '\(text)'",
                remedy: examples)
        }
        return try duration(span, of: variable)
    }
}
