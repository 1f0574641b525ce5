/// Failures in a row: what of them is told, and how long to wait. A value, so that it can be tested without waiting.
struct Troubles: Sendable, Equatable {
    private(set) var count = 0
    private var last: String?

    /// The longest pause between two attempts, in seconds (`mux.md`, section 5.2).
    static let longest: Int64 = 30

    /// Another failure.
    ///
    /// - Returns: The line to tell; nil when it is the same as before.
    mutating func note(_ explanation: String) -> String? {
        count += 1
        defer { last = explanation }
        return explanation == last ? nil : explanation + "; going on"
    }

    /// Something worked.
    mutating func end() { self = Troubles() }

    /// How long to wait now: a second, and twice as long after each further failure.
    var pause: Duration { .seconds(min(Self.longest, 1 << min(max(count, 1) - 1, 5))) }
}
