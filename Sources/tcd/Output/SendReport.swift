internal import Fabric

/// What became of sending, as people and programs read it.
struct SendReport {
    private let entry: SealedEntry
    private let headline: String?
    /// From start to receipt, sealing included.
    var time: Duration

    /// - Parameter headline: The first line for people, instead of the usual one.
    init(_ entry: SealedEntry, headline: String?, time: Duration) {
        self.entry = entry
        self.headline = headline
        self.time = time
    }

    private var envelope: SealedEnvelope { entry.envelope }

    private func begin() {
        if let headline { Terminal.say(headline) }
        Terminal.say("✓ packed sealed envelope: \(envelope.name)")
    }

    // MARK: - Rehearsed

    /// Tells what would be sent, and along which routes.
    func tellRehearsal(_ plan: RoutePlan?, target: DeliveryTarget, json: Bool) {
        let routes = plan?.routes ?? []
        guard !json else {
            Terminal.say(
                JSONLine(
                    described([
                        ("carrier", .init(routes.first?.route.scheme)),
                        ("target", .text(routes.first?.route.address ?? target.text)), ("state", "dry-run"),
                        ("routes", .init(routes.map { $0.route.address })),
                    ])))
            return
        }
        begin()
        for (index, planned) in routes.enumerated() {
            let size = Quantity.bytes(envelope.size)
            Terminal.say(
                index == 0
                    ? "  dry run: \(size) would go to \(planned.route), from \(planned.origin)"
                    : "  or else to \(planned.route), from \(planned.origin)")
        }
    }

    // MARK: - Waiting

    /// Tells that it waits in the outbox.
    func tellQueued(_ order: OutboxEntry, json: Bool) {
        guard !json else {
            Terminal.say(
                JSONLine(
                    described(
                        [
                            ("id", .text(order.id.text)), ("target", .text(order.target.text)),
                            ("state", .text(order.state.rawValue)), ("reason", .init(order.reason)),
                            ("next_attempt", .init(order.nextAttempt?.iso8601)),
                        ], event: "queued")))
            return
        }
        begin()
        Terminal.say("✓ queued as \(order.id); 'tcd outbox drain' delivers it")
    }

    // MARK: - Delivered

    /// Tells how it got there.
    ///
    /// - Parameter receipts: All that is known of it; the last carrier's receipt says how it went when somebody else
    ///   brought it there.
    func tell(_ outcome: DispatchOutcome, receipts: [StoredReceipt], json: Bool) {
        let receipt = outcome.receipt ?? receipts.compactMap(\.delivered).last
        json ? tellProgram(outcome, receipt) : tellPerson(outcome, receipt)
    }

    private func tellPerson(_ outcome: DispatchOutcome, _ receipt: DeliveryReceipt?) {
        begin()
        let resumed = receipt.map { $0.resumedFrom > 0 ? ", resumed at \(Quantity.bytes($0.resumedFrom))" : "" } ?? ""
        let again = receipt?.wasDuplicate == true ? "; it was there already" : ""
        let strength = outcome.entry.wanted == .acknowledged ? "acknowledged" : "\(receipt?.strength ?? .accepted)"
        let place = receipt.map { $0.route.description } ?? outcome.entry.target.text
        Terminal.say(
            "✓ delivered to \(place): \(strength), \(Quantity.bytes(envelope.size)) in "
                + "\(Quantity.milliseconds(time)) ms\(resumed)\(again)")
        if let stored = receipt?.storedName, stored != envelope.name.text {
            Terminal.say("  stored there as \(VerdictReport.shown(stored))")
        }
    }

    private func tellProgram(_ outcome: DispatchOutcome, _ receipt: DeliveryReceipt?) {
        let strength = outcome.entry.wanted == .acknowledged ? "acknowledged" : receipt?.strength.description
        Terminal.say(
            JSONLine(
                described([
                    ("id", .text(outcome.entry.id.text)), ("carrier", .init(receipt?.route.scheme)),
                    ("target", .text(receipt?.route.address ?? outcome.entry.target.text)), ("state", .init(strength)),
                    ("delivery_ms", .number(Quantity.milliseconds(outcome.time))),
                    ("stored_name", .init(receipt?.storedName)), ("duplicate", .flag(receipt?.wasDuplicate ?? false)),
                    ("resumed_from", .number(receipt?.resumedFrom ?? 0)),
                    ("far_digest", .init(receipt?.farDigest?.description)),
                ])))
    }

    /// What every event of sending has, and `more`.
    private func described(
        _ more: [(String, JSONLine.Value)], event: String = "sent"
    ) -> [(String, JSONLine.Value)] {
        [
            ("event", .text(event)), ("tpid", .text(entry.transferID.text)), ("name", .text(envelope.name.text)),
            ("digest", .text(envelope.digest.description)),
            ("bytes", entry.contentBytes.map { .number($0) } ?? .null), ("sealed_bytes", .number(envelope.size)),
            ("elapsed_ms", .number(Quantity.milliseconds(time))),
        ] + more
    }
}

extension StoredReceipt {
    /// What a carrier reported; nil for an acknowledgement.
    fileprivate var delivered: DeliveryReceipt? {
        if case .carrier(let receipt) = source { receipt } else { nil }
    }
}
