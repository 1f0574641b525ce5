/// How long a route rests after it failed for one delivery.
///
/// The bound doubles with each failure in a row, and the rest is drawn evenly between the shortest and that bound, so
/// that those who failed together do not come back together.
public struct BackOff: Sendable, Equatable {
    /// The shortest rest.
    public var shortest: Duration = .seconds(5)
    /// The longest rest.
    public var longest: Duration = .seconds(3600)
    /// The longest that a far side's own wish is heeded for.
    public var longestWish: Duration = .seconds(24 * 3600)

    /// The defaults: 5 seconds to an hour; a day for what a far side wishes.
    public init() {}

    /// The rest after so many failures in a row, in milliseconds.
    ///
    /// - Parameters:
    ///   - failures: At least 1.
    ///   - wish: For how long the far side asked to be left alone.
    ///   - jitter: A number from 0 up to 1.
    func rest(after failures: Int, wish: Duration?, jitter: Double) -> Int64 {
        let (least, most) = (shortest.milliseconds, longest.milliseconds)
        let doublings = min(max(1, failures), 40)
        let bound = min(most, least.multipliedClamping(by: 1 << Int64(doublings)))
        let drawn = least.addingClamping(Int64(clamping: Double(max(0, bound - least)) * jitter))
        guard let wish else { return drawn }
        // The far side's time is the earliest, and not everybody's at once.
        return min(wish.milliseconds, longestWish.milliseconds).addingClamping(Int64(clamping: Double(least) * jitter))
    }
}

/// When a host is left alone by all deliveries.
public struct CircuitRules: Sendable, Equatable {
    /// After how many failures in a row that say the host itself is away.
    public var failures = 5
    /// For how long at first; doubled each time that a trial fails.
    public var shortest: Duration = .seconds(30)
    /// For how long at the most.
    public var longest: Duration = .seconds(1800)
    /// How long one trial may take before another is made.
    public var trial: Duration = .seconds(60)

    /// The defaults: 5 failures, half a minute to half an hour.
    public init() {}
}

/// What was observed of one host, by whichever delivery.
struct HostHealth: Sendable, Equatable {
    /// How many attempts in a row ended with nobody there, or nothing moving.
    var failures = 0
    /// When the last of them ended.
    var lastFailure: Int64?
    /// Until when the host is left alone.
    var openUntil: Int64?
    /// How long a delivery took lately, in milliseconds.
    var latency: Int64?

    /// How long a failure counts against a host when routes are ordered.
    static let memory: Int64 = 10 * 60 * 1000

    /// Whether the host may be tried, and if so how.
    enum Gate: Equatable {
        /// Like any other.
        case closed
        /// It may be tried once, to see whether it is back.
        case trial
        /// Not before this time.
        case open(until: Int64)
    }

    func gate(at now: Int64, rules: CircuitRules) -> Gate {
        guard failures >= rules.failures, let openUntil else { return .closed }
        return now < openUntil ? .open(until: openUntil) : .trial
    }

    func failedLately(at now: Int64) -> Bool { lastFailure.map { now - $0 < Self.memory } ?? false && failures > 0 }

    /// Keeps everybody else off while a trial is made.
    mutating func beginTrial(at now: Int64, rules: CircuitRules) { openUntil = now + rules.trial.milliseconds }

    /// Takes in an attempt that came through.
    mutating func succeeded(after duration: Int64) {
        failures = 0
        openUntil = nil
        // A quarter of the new, so that one slow moment is not the end of a good route.
        latency = latency.map { ($0 * 3 + duration) / 4 } ?? duration
    }

    /// Takes in an attempt that failed.
    mutating func failed(_ kind: CarrierError.Kind, at now: Int64, rules: CircuitRules, jitter: Double) {
        guard kind == .unreachable || kind == .stalled else {
            // It was there, and had something to say.
            if kind != .cancelled, kind != .misconfigured { (failures, openUntil) = (0, nil) }
            return
        }
        failures += 1
        lastFailure = now
        guard failures >= rules.failures else { return }
        let doublings = min(failures - rules.failures, 20)
        let rest = min(
            rules.longest.milliseconds, rules.shortest.milliseconds.multipliedClamping(by: 1 << Int64(doublings)))
        openUntil = now.addingClamping(rest / 2).addingClamping(Int64(clamping: Double(rest / 2) * jitter))
    }
}
