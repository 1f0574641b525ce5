/// What happens while deliveries are tried, for whoever shows it.
public enum DispatchEvent: Sendable {
    /// An attempt along this route begins.
    case attempt(OutboxEntry, PlannedRoute)
    /// It failed.
    case failure(OutboxEntry, PlannedRoute, CarrierError)
    /// A route is not tried now, and why.
    case skipped(OutboxEntry, Route, reason: String)
    /// What the plan wants a person to know.
    case notice(OutboxEntry, String)
    /// This is how it stands after the attempt.
    case outcome(DispatchOutcome)
    /// The outbox itself failed for one delivery, or for a moment; the others are tried all the same.
    case trouble(OutboxError)
}

/// What became of trying one delivery.
public struct DispatchOutcome: Sendable {
    /// How the delivery stands now.
    public let entry: OutboxEntry
    /// What the far side confirmed; nil when it did not come through now.
    public let receipt: DeliveryReceipt?
    /// Why the last route that was tried failed; nil when none was, or it came through.
    public let failure: CarrierError?
    /// How long the attempt that came through took.
    public let time: Duration

    /// An outcome from its parts.
    public init(entry: OutboxEntry, receipt: DeliveryReceipt?, failure: CarrierError?, time: Duration) {
        self.entry = entry
        self.receipt = receipt
        self.failure = failure
        self.time = time
    }
}

/// Brings what waits in an outbox to where it is to go: claims, plans, tries, and writes down what became of it.
///
/// It decides nothing itself: what is tried, in which order, and what follows from what happened is in `RouteOrder`,
/// `DeliveryWalk`, `BackOff` and `HostHealth`, which are values.
public struct Dispatcher: Sendable {
    /// The outbox.
    public let outbox: Outbox
    let planner: any RoutePlanner
    let carrier: @Sendable (String, DeliveryTarget) async throws(CarrierError) -> (any Carrier)?
    let report: @Sendable (DispatchEvent) -> Void

    /// A dispatcher for `outbox`.
    ///
    /// - Parameters:
    ///   - planner: Finds the routes to a target.
    ///   - carrier: The carrier for the routes of a scheme; nil when there is none. Asked anew for each attempt; what it
    ///     throws is what became of the attempt.
    ///   - report: Told what happens, from any thread; must return at once.
    public init(
        outbox: Outbox, planner: any RoutePlanner,
        carrier: @escaping @Sendable (String) async throws(CarrierError) -> (any Carrier)?,
        report: @escaping @Sendable (DispatchEvent) -> Void = { _ in }
    ) {
        self.init(
            outbox: outbox, planner: planner,
            carrierFor: { scheme, _ throws(CarrierError) in try await carrier(scheme) }, report: report)
    }

    /// A dispatcher for `outbox`, whose carriers go about a delivery as its target's options say.
    ///
    /// - Parameter carrierFor: As `carrier` above, for deliveries to the target.
    public init(
        outbox: Outbox, planner: any RoutePlanner,
        carrierFor: @escaping @Sendable (String, DeliveryTarget) async throws(CarrierError) -> (any Carrier)?,
        report: @escaping @Sendable (DispatchEvent) -> Void = { _ in }
    ) {
        self.outbox = outbox
        self.planner = planner
        carrier = carrierFor
        self.report = report
    }

    /// Tries one delivery now, whether its time has come or not. Nothing rests for it, because somebody waits.
    ///
    /// When the calling task is cancelled, the delivery goes back into the queue.
    ///
    /// - Parameter progress: Told how many bytes the far side has taken; begins again with each route.
    /// - Returns: How it stands now; also when it could not be tried, because it is not queued or another process is at
    ///   it.
    public func attempt(
        _ id: OutboxID, reporting progress: ProgressSink = .none
    ) async throws(OutboxError) -> DispatchOutcome {
        let outbox = outbox
        switch try await OffPool.run({ () throws(OutboxError) in try outbox.claim(id) }) {
        case .claimed(let claim):
            return try await DeliveryRun(self, claim, isUrgent: true, progress: progress).run()
        case .settled(let entry):
            return DispatchOutcome(entry: entry, receipt: nil, failure: nil, time: .zero)
        case .nothing, .unreadable:
            let entry = try await OffPool.run { () throws(OutboxError) in try outbox.entry(id) }
            return DispatchOutcome(entry: entry, receipt: nil, failure: nil, time: .zero)
        }
    }
}
