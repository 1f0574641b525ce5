internal import Fabric

/// What became of sending, as people and programs read it.
struct SendReport {
    private let entry: SealedEntry
    private let headline: String?
    private let hostChange: RoutePlan.HostChange?
    /// From start to receipt, sealing included.
    var time: Duration

    /// - Parameter headline: The first line for people, instead of the usual one.
    init(_ entry: SealedEntry, headline: String?, hostChange: RoutePlan.HostChange?, time: Duration) {
        self.entry = entry
        self.headline = headline
        self.hostChange = hostChange
        self.time = time
    }

    private var envelope: SealedEnvelope { entry.envelope }

    private func begin() {
        if let headline { Terminal.say(headline) }
        Terminal.say("✓ packed sealed envelope: \(envelope.name)")
    }

    /// Tells what would be sent, and along which routes.
    func tellRehearsal(_ plan: RoutePlan?, target: DeliveryTarget, json: Bool) {
        let routes = plan?.routes ?? []
        if json { return tellProgram(Standing(target: target, state: "dry-run", routes: routes)) }
        begin()
        for (index, planned) in routes.enumerated() {
            let size = Quantity.bytes(envelope.size)
            Terminal.say(
                index == 0
                    ? "  dry run: \(size) would go to \(planned.route), from \(planned.origin)"
                    : "  or else to \(planned.route), from \(planned.origin)")
        }
    }

    /// Tells that it waits in the outbox.
    func tellQueued(_ order: OutboxEntry, json: Bool) {
        if json { return tellProgram(Standing(order, state: order.state.rawValue)) }
        begin()
        Terminal.say("✓ queued as \(order.id); 'tcd outbox drain' delivers it")
    }

    /// Tells how it got there.
    ///
    /// - Parameter receipts: All that is known of it; the last carrier's receipt says how it went when somebody else
    ///   brought it there.
    /// - Throws: `TrustError` when the pins cannot be read.
    func tell(_ outcome: DispatchOutcome, receipts: [StoredReceipt], json: Bool) throws {
        let receipt = outcome.receipt ?? receipts.compactMap(\.delivered).last
        let strength = (receipt?.strength ?? .accepted).description
        let proven = try receipt.map { try ProvenReceipt($0, of: outcome.entry) }
        if let notice = proven?.proof.notice { Terminal.note("\(outcome.entry.id): \(notice)") }
        let isAcknowledged = outcome.entry.wanted == .acknowledged
        if json {
            let state = isAcknowledged ? outcome.entry.wanted.description : strength
            var standing = Standing(outcome.entry, state: state, receipt: receipt, delivery: outcome.time)
            standing.proven = proven
            return tellProgram(standing)
        }
        let state = isAcknowledged ? outcome.entry.wanted.description : proven?.text ?? strength
        begin()
        let resumed = receipt.map { $0.resumedFrom > 0 ? ", resumed at \(Quantity.bytes($0.resumedFrom))" : "" } ?? ""
        let again = receipt?.wasDuplicate == true ? "; it was there already" : ""
        let place = receipt.map { $0.route.description } ?? outcome.entry.target.text
        Terminal.say(
            "✓ delivered to \(place): \(state), \(Quantity.bytes(envelope.size)) in "
                + "\(Quantity.milliseconds(time)) ms\(resumed)\(again)")
        if let stored = receipt?.storedName, stored != envelope.name.text {
            Terminal.say("  stored there as \(VerdictReport.shown(stored))")
        }
    }

    /// Where it stands, for a program.
    private struct Standing {
        var id: OutboxID?
        var target: String
        var state: String
        var reason: String?
        var nextAttempt: Timestamp?
        var receipt: DeliveryReceipt?
        var delivery = Duration.zero
        var routes: [PlannedRoute] = []
        var proven: ProvenReceipt?

        init(target: DeliveryTarget, state: String, routes: [PlannedRoute]) {
            self.target = routes.first?.route.address ?? target.text
            self.state = state
            self.routes = routes
        }

        init(_ entry: OutboxEntry, state: String, receipt: DeliveryReceipt? = nil, delivery: Duration = .zero) {
            id = entry.id
            target = receipt?.route.address ?? entry.target.text
            self.state = state
            reason = entry.reason
            nextAttempt = entry.nextAttempt
            self.receipt = receipt
            self.delivery = delivery
        }
    }

    private func tellProgram(_ standing: Standing) {
        let receipt = standing.receipt
        let scheme = receipt?.route.scheme ?? standing.routes.first?.route.scheme
        let fields: [(String, JSONLine.Value)] = [
            ("event", "sent"), ("id", .init(standing.id?.text)), ("tpid", .text(entry.transferID.text)),
            ("name", .text(envelope.name.text)), ("digest", .text(envelope.digest.description)),
            ("carrier", .init(scheme)), ("target", .text(standing.target)), ("state", .text(standing.state)),
            ("reason", .init(standing.reason)), ("next_attempt", .init(standing.nextAttempt?.iso8601)),
            ("routes", .init(standing.routes.map { $0.route.address })),
            ("bytes", entry.contentBytes.map { .number($0) } ?? .null),
            ("sealed_bytes", .number(envelope.size)),
            ("elapsed_ms", .number(Quantity.milliseconds(time))),
            ("delivery_ms", .number(Quantity.milliseconds(standing.delivery))),
            ("stored_name", .init(receipt?.storedName)), ("duplicate", .flag(receipt?.wasDuplicate ?? false)),
            ("resumed_from", .number(receipt?.resumedFrom ?? 0)),
            ("far_digest", .init(receipt?.farDigest?.description)),
            ("host_change", hostChange.map { .object($0.fields) } ?? .null),
        ]
        Terminal.say(JSONLine(fields + (standing.proven?.fields ?? ProvenReceipt.noFields)))
    }
}

extension RoutePlan.HostChange {
    /// The documented keys (`docs/scripting.md`).
    var fields: [(String, JSONLine.Value)] {
        [
            ("subject", .text(subject)), ("pinned", .init(pinned)), ("offered", .init(offered)),
            ("accept", .text("tcd resolve \(subject) --accept-routes")),
        ]
    }
}
