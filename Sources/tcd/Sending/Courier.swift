internal import Fabric
internal import FoundationEssentials
internal import Resolver
internal import SystemPackage

/// Seals something into the outbox, tries to deliver it, and waits for as long as was asked for: what 'send', 'ack' and
/// 'heartbeat' have in common.
struct Courier {
    /// What people are told first; nil for nothing.
    var headline: String?

    private let delivery: DeliveryOptions
    private let output: OutputOptions
    private let target: DeliveryTarget
    private let prepared: DispatchOptions.Prepared

    /// The name that the sender claims.
    var senderName: String { prepared.name }

    /// Checks the target, and loads the identity.
    init(_ delivery: DeliveryOptions, _ dispatch: DispatchOptions, output: OutputOptions) throws {
        self.delivery = delivery
        self.output = output
        target = try dispatch.target(delivery.to, transport: delivery.chosenTransport, typed: delivery.transport)
        // Pins that cannot be read stop everything that asks for them, and before anything is sent.
        _ = try ProvenReceipt.pinnedKey(for: target)
        try Composition.check(target)
        prepared = try dispatch.prepare(output: output, settings: PlanningSettings(kept: target.options))
    }

    func send(_ consignment: Consignment) async throws {
        let start = ContinuousClock.now
        let resolution = try await resolve()
        let plan = try? resolution.plan()
        let outbox = try await Blocking.run { try Outbox.current() }
        let entry = try await seal(consignment, into: outbox, for: resolution.receiver)
        if let report = entry.report { Warnings.show(report) }
        output.explain("sealed as \(entry.envelope.name), sha256 \(entry.envelope.digest.hex)")
        var report = SendReport(
            entry, headline: headline, hostChange: resolution.hostChange, time: .now - start)
        guard let order = entry.entries.first else {
            return report.tellRehearsal(plan, target: target, json: output.json)
        }
        Interruption.advise(UndeliveredError.interrupted(order))
        if delivery.queue {
            Interruption.advise(nil)
            return report.tellQueued(order, json: output.json)
        }
        let outcome = try await attempt(
            order.id, in: outbox, size: entry.envelope.size, told: resolution.notices)
        Interruption.advise(nil)
        report.time = .now - start
        guard outcome.entry.state == .delivered else {
            if output.json { report.tellQueued(outcome.entry, json: true) }
            throw UndeliveredError(outcome)
        }
        try report.tell(outcome, receipts: outbox.detail(order.id).receipts, json: output.json)
    }

    /// What is known of the routes to the target. A rehearsal pins nothing.
    ///
    /// - Throws: Why there is no plan, unless asking again later can help, or the operator can lift what stops it: then the
    ///   envelope is kept in the outbox.
    private func resolve() async throws -> Resolution {
        let resolution = await prepared.resolver.resolve(target, pinning: !delivery.dryRun)
        if let failure = resolution.failure {
            guard failure.isRetryable || resolution.isStoppedByHosts, !delivery.dryRun else { throw failure }
        } else {
            for notice in resolution.notices { Terminal.note(notice) }
        }
        return resolution
    }

    private func seal(
        _ consignment: Consignment, into outbox: Outbox, for receiver: RoutePlan.Receiver?
    ) async throws -> SealedEntry {
        let orders = delivery.dryRun ? [] : [try delivery.order(to: target)]
        let bar = ProgressBar("sealing", quiet: output.json)
        defer { bar.finish() }
        let sender = prepared.sender
        return try await Blocking.run {
            try consignment.put(into: outbox, signedBy: sender, for: receiver, orders: orders, showing: bar)
        }
    }

    /// Tries until it is there, or time is up; without a time to wait, once along every route.
    private func attempt(
        _ id: OutboxID, in outbox: Outbox, size: Int64, told: [String]
    ) async throws -> DispatchOutcome {
        let bar = ProgressBar("sending", quiet: output.json)
        defer { bar.finish() }
        let dispatcher = Dispatcher(
            outbox: outbox, planner: prepared.resolver, carrier: prepared.composition.carrier,
            report: DispatchNotes.show(output, told: told))
        let deadline = try delivery.waitingTime().map { ContinuousClock.now + $0 }
        while true {
            let outcome = try await dispatcher.attempt(id, reporting: bar.sink(total: size))
            let left = deadline.map { $0 - .now } ?? .zero
            let state = outcome.entry.state
            let pause: Duration?
            switch state {
            // Another process is at it, and ends by itself.
            case .sending: pause = deadline == nil ? nil : left
            case .waiting where left > .zero: pause = left
            case .queued where left > .zero: pause = min(left, outcome.entry.rest)
            default: return outcome
            }
            // Whoever moves it on ends the pause.
            let entry = try await outbox.wait(for: id, within: pause) { $0.state != state }
            let isDue = entry.state == .queued && (deadline.map { $0 > .now } ?? false)
            guard isDue || entry.state == .sending else { return outcome.standing(at: entry) }
        }
    }
}

extension OutboxEntry {
    /// How long it rests from now on.
    fileprivate var rest: Duration {
        .seconds(max(1, (nextAttempt?.seconds ?? 0) - Timestamp.now().seconds))
    }
}

extension DispatchOutcome {
    /// The same outcome for an entry that somebody else has moved on meanwhile.
    fileprivate func standing(at entry: OutboxEntry) -> DispatchOutcome {
        DispatchOutcome(entry: entry, receipt: receipt, failure: failure, time: time)
    }
}
