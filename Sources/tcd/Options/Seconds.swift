/// Lengths of time from the command line.
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
}
