internal import FoundationEssentials

/// Lengths of time from the command line and the environment.
enum Seconds {
    /// The longest time that can be asked for, about four months.
    static let most = 10_000_000

    /// The time that `option` asks for; at least a millisecond.
    static func duration(_ seconds: Double, of option: String) throws -> Duration {
        guard seconds.isFinite, seconds > 0, seconds <= Double(most) else {
            throw UsageError(
                "\(option) \(seconds) is not a time to wait", remedy: "give seconds, more than 0 and at most \(most)")
        }
        return max(.milliseconds(1), .seconds(seconds))
    }

    /// The time that a flag asks for, else a variable, else `fallback` seconds.
    static func duration(
        _ asked: Double?, of flag: String, variable: String, else fallback: Double
    ) throws -> Duration {
        if let asked { return try duration(asked, of: flag) }
        guard let text = ProcessInfo.processInfo.environment[variable], !text.isEmpty else { return .seconds(fallback) }
        guard let seconds = Double(text) else {
            throw UsageError("\(variable) '\(text)' is not a number", remedy: "set it to seconds, for example 10")
        }
        return try duration(seconds, of: variable)
    }
}
