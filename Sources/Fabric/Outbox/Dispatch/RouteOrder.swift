/// One route that a plan names, with everything that decides whether and when it is tried.
struct RouteCandidate: Sendable, Equatable {
    var planned: PlannedRoute
    /// What its carrier promises; nil when there is no carrier for it.
    var traits: CarrierTraits?
    /// How it stands with this delivery; nil when it never failed.
    var standing: RouteStanding?
    /// How its host stands with all deliveries.
    var health = HostHealth()
}

/// Why a route is not tried now.
enum RouteSkip: Sendable, Equatable {
    /// Nothing here can carry along it.
    case noCarrier(scheme: String)
    /// The envelope is larger than it can carry.
    case tooLarge(limit: Int64)
    /// It failed in a way that only a person can change.
    case ruledOut(String)
    /// It rests after a failure, until then.
    case resting(until: Int64, reason: String)
    /// Its host was away too often, and is left alone until then.
    case circuitOpen(until: Int64)

    /// When that may be otherwise by itself; nil for never.
    var until: Int64? {
        switch self {
        case .noCarrier, .tooLarge, .ruledOut: nil
        case .resting(let until, _), .circuitOpen(let until): until
        }
    }

    /// What a person reads.
    var explanation: String {
        switch self {
        case .noCarrier(let scheme): "nothing here carries '\(scheme)'"
        case .tooLarge(let limit): "it carries \(limit) bytes at the most"
        case .ruledOut(let reason): reason
        case .resting(_, let reason): reason
        case .circuitOpen: "its host did not answer several times in a row"
        }
    }
}

/// The order in which routes are tried, and those that are not. A pure function of what is known.
struct RouteOrder: Sendable, Equatable {
    /// A route to try; a trial keeps others off its host meanwhile.
    struct Choice: Sendable, Equatable {
        var planned: PlannedRoute
        var isTrial: Bool
    }

    private(set) var choices: [Choice] = []
    private(set) var skipped: [(route: Route, skip: RouteSkip)] = []

    static func == (left: RouteOrder, right: RouteOrder) -> Bool {
        left.choices == right.choices && left.skipped.map(\.route) == right.skipped.map(\.route)
            && left.skipped.map(\.skip) == right.skipped.map(\.skip)
    }

    /// What is asked of the routes.
    struct Demand: Sendable {
        var size: Int64
        var wanted: WantedReceipt
        /// In milliseconds since 1970.
        var now: Int64
        /// Whether somebody waits for it, so that nothing rests.
        var isUrgent = false
        var circuit = CircuitRules()
    }

    init(_ candidates: [RouteCandidate], for demand: Demand) {
        var open: [(choice: Choice, rank: [Int])] = []
        let latencies = candidates.compactMap(\.health.latency)
        for (index, candidate) in candidates.enumerated() {
            let gate = candidate.health.gate(at: demand.now, rules: demand.circuit)
            if let skip = Self.skip(candidate, gate: gate, for: demand) {
                skipped.append((candidate.planned.route, skip))
                continue
            }
            let rank = [
                // What cannot promise as much as is wanted comes last, and is better than nothing.
                Self.promises(candidate.traits, demand.wanted) ? 0 : 1,
                candidate.health.failedLately(at: demand.now) ? 1 : 0,
                Self.isSlow(candidate.health.latency, among: latencies) ? 1 : 0,
                index,
            ]
            open.append((Choice(planned: candidate.planned, isTrial: gate != .closed), rank))
        }
        choices = open.sorted { $0.rank.lexicographicallyPrecedes($1.rank) }.map(\.choice)
    }

    private static func skip(_ candidate: RouteCandidate, gate: HostHealth.Gate, for demand: Demand) -> RouteSkip? {
        guard let traits = candidate.traits else { return .noCarrier(scheme: candidate.planned.route.scheme) }
        if let limit = traits.largestEnvelope, demand.size > limit { return .tooLarge(limit: limit) }
        if let standing = candidate.standing {
            if standing.isRuledOut { return .ruledOut(standing.reason) }
            if !demand.isUrgent, let until = standing.notBefore?.milliseconds, until > demand.now {
                return .resting(until: until, reason: standing.reason)
            }
        }
        if !demand.isUrgent, case .open(let until) = gate { return .circuitOpen(until: until) }
        return nil
    }

    private static func promises(_ traits: CarrierTraits?, _ wanted: WantedReceipt) -> Bool {
        guard let traits, let strength = wanted.strength else { return true }
        return traits.strongestReceipt >= strength
    }

    /// Slow is four times the fastest, and more than a second: preference is not overturned for less.
    private static func isSlow(_ latency: Int64?, among others: [Int64]) -> Bool {
        guard let latency, let fastest = others.min() else { return false }
        return latency > 1000 && latency > fastest * 4
    }
}
