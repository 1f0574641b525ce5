/// One walk of one delivery along its routes, as a value: what happened goes in, what to do next comes out.
///
/// It knows no clock, no socket and no disk; whoever drives it does.
struct DeliveryWalk: Sendable {
    /// What to do next.
    enum Step: Sendable, Equatable {
        /// Try this route.
        case attempt(RouteOrder.Choice)
        /// Nothing more: this is what became of it.
        case end(Ending)
    }

    /// What becomes of the delivery.
    enum Ending: Sendable, Equatable {
        /// The far side has it.
        case received(DeliveryReceipt)
        /// It is tried again, not before this time.
        case again(at: Int64, reason: String)
        /// A person has to do something first.
        case hold(reason: String)
        /// It cannot be delivered as it is.
        case quarantine(reason: String)
        /// Nothing is known, because somebody stopped it.
        case cancelled
    }

    private let backOff: BackOff
    private var left: [RouteOrder.Choice]
    private var ending: Ending?
    /// When routes may be tried again.
    private var returns: [Int64]
    /// What stands in the way, the latest last.
    private var obstacles: [String]

    init(_ order: RouteOrder, backOff: BackOff) {
        self.backOff = backOff
        left = order.choices.reversed()
        returns = order.skipped.compactMap(\.skip.until)
        obstacles = order.skipped.map { "\($0.route): \($0.skip.explanation)" }
    }

    /// What to do now.
    mutating func next() -> Step {
        if let ending { return .end(ending) }
        if let choice = left.popLast() { return .attempt(choice) }
        let ending = conclusion
        self.ending = ending
        return .end(ending)
    }

    /// Takes in that the route of the last step came through.
    mutating func delivered(_ receipt: DeliveryReceipt) { ending = .received(receipt) }

    /// Takes in that the route of the last step was not tried, because somebody else tries its host.
    mutating func passed(over route: Route, until time: Int64) {
        returns.append(time)
        obstacles.append("\(route): another delivery is finding out whether its host is back")
    }

    /// Takes in that the route of the last step failed.
    ///
    /// - Parameters:
    ///   - standing: How the route stood before; nil when it never failed.
    ///   - now: In milliseconds since 1970.
    ///   - jitter: A number from 0 up to 1.
    /// - Returns: How the route stands now; nil when the attempt says nothing of it.
    mutating func failed(
        _ route: Route, _ error: CarrierError, standing: RouteStanding?, now: Int64, jitter: Double
    ) -> RouteStanding? {
        guard error.kind != .cancelled else {
            ending = .cancelled
            return nil
        }
        let failures = (standing?.failures ?? 0) + 1
        var notBefore: Int64?
        switch error.action {
        case .retry(let wish):
            let time = now + backOff.rest(after: failures, wish: wish, jitter: jitter)
            notBefore = time
            returns.append(time)
        case .tryNextRoute where Self.canPass(error.kind):
            let time = now + backOff.rest(after: failures, wish: nil, jitter: jitter)
            notBefore = time
            returns.append(time)
        case .tryNextRoute: break
        case .waitForPerson:
            // A key that is not the one on record may be somebody in between, who would see the next route taken.
            if error.kind == .hostKeyChanged { ending = .hold(reason: error.description) }
        case .giveUp: ending = .quarantine(reason: error.description)
        }
        obstacles.append(error.description)
        return RouteStanding(
            route: route, failures: failures, notBefore: notBefore.map { Timestamp(milliseconds: $0) },
            isRuledOut: notBefore == nil, reason: error.description)
    }

    /// Whether a failure that calls for another route can be over later: a proxy answers with its own 404 or with nothing
    /// that belongs to the protocol, a directory is not mounted. What the far side said of this envelope stays.
    private static func canPass(_ kind: CarrierError.Kind) -> Bool {
        switch kind {
        case .misconfigured, .corrupted, .unreachable, .stalled, .throttled, .full: true
        case .refused, .tooLarge, .conflict, .hostKeyChanged, .cancelled: false
        }
    }

    /// What follows when no route is left.
    private var conclusion: Ending {
        let reason = obstacles.last ?? "no route leads there"
        if let time = returns.min() { return .again(at: time, reason: reason) }
        return .hold(reason: reason)
    }

    /// What follows when no plan could be made.
    ///
    /// - Parameter failures: How many plans in a row failed, this one included.
    static func ending(
        ofPlan error: CarrierError, failures: Int, now: Int64, backOff: BackOff, jitter: Double
    ) -> Ending {
        guard error.kind != .cancelled else { return .cancelled }
        return switch error.action {
        case .retry(let wish):
            .again(at: now + backOff.rest(after: failures, wish: wish, jitter: jitter), reason: error.description)
        case .tryNextRoute, .waitForPerson: .hold(reason: error.description)
        case .giveUp: .quarantine(reason: error.description)
        }
    }
}
