/// One claimed delivery on its walk: does what `DeliveryWalk` says, and keeps the lease meanwhile.
struct DeliveryRun: Sendable {
    private let dispatcher: Dispatcher
    private let claim: Claim
    private let isUrgent: Bool
    private let progress: ProgressSink

    private var outbox: Outbox { dispatcher.outbox }
    private var configuration: OutboxConfiguration { dispatcher.outbox.configuration }

    init(_ dispatcher: Dispatcher, _ claim: Claim, isUrgent: Bool, progress: ProgressSink) {
        self.dispatcher = dispatcher
        self.claim = claim
        self.isUrgent = isUrgent
        self.progress = progress
    }

    /// Walks to the end, and says how the delivery stands then.
    func run() async throws(OutboxError) -> DispatchOutcome {
        let result = await withTaskGroup(of: Result<DispatchOutcome, OutboxError>?.self) { group in
            group.addTask {
                await keepLease()
                return nil
            }
            group.addTask {
                do throws(OutboxError) {
                    return .success(try await walk())
                } catch {
                    return .failure(error)
                }
            }
            // The lease ends early when it is lost, or somebody wishes it: then the walk is stopped.
            while let next = await group.next() {
                group.cancelAll()
                if let result = next { return result }
            }
            return .failure(.index(code: 21, message: "an attempt ended without a result"))
        }
        let outcome = try result.get()
        dispatcher.report(.outcome(outcome))
        return outcome
    }

    /// Says that the attempt goes on, again and again, until it is to end.
    private func keepLease() async {
        let pause = configuration.leaseTime / 3
        let (outbox, claim) = (outbox, claim)
        while (try? await configuration.clock.sleep(pause)) != nil {
            let standing = try? await OffPool.run { () throws(OutboxError) in try outbox.extend(claim) }
            // An index that cannot be read for a moment is no reason to stop; the lease is longer than that.
            if let standing, standing != .held { return }
        }
    }

    // MARK: - The walk

    private func walk() async throws(OutboxError) -> DispatchOutcome {
        let (outbox, entry) = (outbox, claim.entry)
        guard outbox.store.size(of: entry.digest) == entry.size else {
            return try await end(.quarantine(reason: Outbox.fileIsGone))
        }
        let plan: RoutePlan
        do throws(CarrierError) {
            plan = try await dispatcher.planner.plan(for: entry.target)
        } catch {
            let failures = claim.planFailures + 1
            let ending = DeliveryWalk.ending(
                ofPlan: error, failures: failures, now: outbox.now, backOff: configuration.backOff,
                jitter: configuration.random())
            return try await end(ending, failure: error, planFailures: error.kind == .cancelled ? 0 : failures)
        }
        for notice in plan.notices { dispatcher.report(.notice(entry, notice)) }
        for passed in plan.passedOver {
            dispatcher.report(.skipped(entry, passed.planned.route, reason: passed.reason))
        }
        if let key = plan.receiver?.key {
            let claim = claim
            try await OffPool.run { () throws(OutboxError) in try outbox.remember(receiverKey: key, of: claim) }
        }
        let order = try await order(plan.routes)
        for (route, skip) in order.skipped {
            dispatcher.report(.skipped(entry, route, reason: skip.explanation))
        }
        return try await walk(order)
    }

    private func order(_ routes: [PlannedRoute]) async throws(OutboxError) -> RouteOrder {
        let outbox = outbox
        let hosts = Set(routes.map(\.route.host))
        let health = try await OffPool.run { () throws(OutboxError) in try outbox.health(of: hosts) }
        var candidates: [RouteCandidate] = []
        for planned in routes {
            candidates.append(
                RouteCandidate(
                    planned: planned, traits: await traits(of: planned.route.scheme),
                    standing: claim.standings.first { $0.route == planned.route },
                    health: health[planned.route.host] ?? HostHealth()))
        }
        return RouteOrder(
            candidates,
            for: RouteOrder.Demand(
                size: claim.entry.size, wanted: claim.entry.wanted, now: outbox.now, isUrgent: isUrgent,
                circuit: configuration.circuit))
    }

    /// What the carrier for `scheme` promises; nil when there is none. One that cannot be had just now promises
    /// everything: then the attempt brings out why.
    private func traits(of scheme: String) async -> CarrierTraits? {
        do throws(CarrierError) {
            return try await dispatcher.carrier(scheme, claim.entry.target)?.traits
        } catch {
            return CarrierTraits(
                strongestReceipt: .verified, largestEnvelope: nil, inFlight: 1, publishesAtomically: true)
        }
    }

    private func walk(_ order: RouteOrder) async throws(OutboxError) -> DispatchOutcome {
        var walk = DeliveryWalk(order, backOff: configuration.backOff)
        var failure: CarrierError?
        while true {
            if Task.isCancelled { return try await end(.cancelled, failure: failure) }
            let choice: RouteOrder.Choice
            switch walk.next() {
            case .end(let ending): return try await end(ending, failure: failure)
            case .attempt(let next): choice = next
            }
            guard let attempt = try await begin(choice) else {
                walk.passed(over: choice.planned.route, until: outbox.now + configuration.circuit.trial.milliseconds)
                continue
            }
            let start = ContinuousClock.now
            switch await deliver(along: choice.planned.route) {
            case .success(let receipt):
                configuration.hooks.pass(.received)
                return try await settle(attempt, receipt, after: .now - start)
            case .failure(let error):
                failure = error
                try await note(error, of: attempt, along: choice.planned, in: &walk)
            }
        }
    }

    private func begin(_ choice: RouteOrder.Choice) async throws(OutboxError) -> Int64? {
        dispatcher.report(.attempt(claim.entry, choice.planned))
        let (outbox, claim, isUrgent) = (outbox, claim, isUrgent)
        return try await OffPool.run { () throws(OutboxError) in
            try outbox.begin(choice, of: claim, isUrgent: isUrgent)
        }
    }

    private func deliver(along route: Route) async -> Result<DeliveryReceipt, CarrierError> {
        do throws(CarrierError) {
            guard let carrier = try await dispatcher.carrier(route.scheme, claim.entry.target) else {
                throw CarrierError(.misconfigured, .waitForPerson, "nothing here carries '\(route.scheme)'")
            }
            let envelope = outbox.envelope(of: claim.entry)
            return .success(try await carrier.deliver(envelope, along: route, reporting: progress))
        } catch {
            return .failure(error)
        }
    }

    private func settle(
        _ attempt: Int64, _ receipt: DeliveryReceipt, after time: Duration
    ) async throws(OutboxError) -> DispatchOutcome {
        let (outbox, claim) = (outbox, claim)
        let entry = try await OffPool.run { () throws(OutboxError) in
            try outbox.settle(claim, attempt: attempt, with: receipt, after: time.milliseconds)
        }
        return DispatchOutcome(entry: entry, receipt: receipt, failure: nil, time: time)
    }

    private func note(
        _ error: CarrierError, of attempt: Int64, along planned: PlannedRoute, in walk: inout DeliveryWalk
    ) async throws(OutboxError) {
        let (outbox, claim, route) = (outbox, claim, planned.route)
        let standing = walk.failed(
            route, error, standing: claim.standings.first { $0.route == route }, now: outbox.now,
            jitter: configuration.random())
        try await OffPool.run { () throws(OutboxError) in
            try outbox.end(attempt, along: route, of: claim, error, standing: standing)
        }
        dispatcher.report(.failure(claim.entry, planned, error))
    }

    private func end(
        _ ending: DeliveryWalk.Ending, failure: CarrierError? = nil, planFailures: Int = 0
    ) async throws(OutboxError) -> DispatchOutcome {
        let (outbox, claim) = (outbox, claim)
        let entry = try await OffPool.run { () throws(OutboxError) in
            try outbox.release(claim, to: ending, planFailures: planFailures)
        }
        return DispatchOutcome(entry: entry, receipt: nil, failure: failure, time: .zero)
    }
}
