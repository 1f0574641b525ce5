internal import Fabric

/// What became of sending, as people and programs read it.
struct SendReport {
    private let command: Send
    private let parcel: SealedEntry
    private let route: Route
    private let receipt: DeliveryReceipt?
    private let time: Duration
    private let delivery: Duration

    /// - Parameters:
    ///   - receipt: What the receiver confirmed; nil for what is only queued, and for a dry run.
    ///   - time: From start to receipt.
    ///   - delivery: How much of that was delivery.
    init(
        _ command: Send, _ parcel: SealedEntry, route: Route, receipt: DeliveryReceipt?, time: Duration,
        delivery: Duration
    ) {
        self.command = command
        self.parcel = parcel
        self.route = route
        self.receipt = receipt
        self.time = time
        self.delivery = delivery
    }

    func tell(json: Bool) {
        if json { tellJSON() } else { tellPerson() }
    }

    private func tellPerson() {
        let envelope = parcel.envelope
        Terminal.say("✓ packed sealed envelope: \(envelope.name)")
        guard let receipt else {
            if let entry = parcel.entries.first {
                Terminal.say("✓ queued as \(entry.id) for \(route)")
                return
            }
            Terminal.say("  dry run: \(Quantity.bytes(envelope.size)) would go to \(route)")
            return
        }
        let resumed = receipt.resumedFrom > 0 ? ", resumed at \(Quantity.bytes(receipt.resumedFrom))" : ""
        let again = receipt.wasDuplicate ? "; it was there already" : ""
        Terminal.say(
            "✓ delivered to \(route): \(receipt.strength), \(Quantity.bytes(envelope.size)) in "
                + "\(Quantity.milliseconds(time)) ms\(resumed)\(again)")
        if let stored = receipt.storedName, stored != envelope.name.text {
            Terminal.say("  stored there as \(VerdictReport.shown(stored))")
        }
    }

    private func tellJSON() {
        let envelope = parcel.envelope
        Terminal.say(
            JSONLine([
                ("event", "sent"), ("tpid", .text(parcel.transferID.text)), ("name", .text(envelope.name.text)),
                ("digest", .text(envelope.digest.description)), ("carrier", .text(route.scheme)),
                ("target", .text(route.address)),
                ("state", .text(receipt?.strength.description ?? (parcel.entries.isEmpty ? "dry-run" : "queued"))),
                ("id", .init(parcel.entries.first?.id.text)),
                ("bytes", parcel.contentBytes.map { .number($0) } ?? .null),
                ("sealed_bytes", .number(envelope.size)), ("elapsed_ms", .number(Quantity.milliseconds(time))),
                ("delivery_ms", .number(Quantity.milliseconds(delivery))),
                ("stored_name", .init(receipt?.storedName)), ("duplicate", .flag(receipt?.wasDuplicate ?? false)),
                ("resumed_from", .number(receipt?.resumedFrom ?? 0)),
                ("far_digest", .init(receipt?.farDigest?.description)),
            ]))
    }
}
