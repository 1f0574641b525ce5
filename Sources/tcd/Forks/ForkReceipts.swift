internal import Fabric
internal import Resolver
internal import SystemPackage
internal import Triage

/// Sealed receipts for forks that came in envelopes: the acknowledgement of `tcd ack`, with what became of the fork as its
/// note.
struct ForkReceipts: Sendable {
    let prepared: DispatchOptions.Prepared
    let output: OutputOptions

    /// Where a receipt for a signer goes for whose name a key is pinned: to that name, if a file of routes or the name service
    /// has a route to it. The convention, which takes host and port out of the name and logs in as root, is not used.
    func target(ofPinned name: String) async -> DeliveryTarget? {
        guard name.hasPrefix("jis:") else { return nil }
        var target = DeliveryTarget(name)
        target.usesConvention = false
        guard let plan = try? await prepared.resolver.plan(for: target), !plan.routes.isEmpty else { return nil }
        return target
    }

    /// Seals a receipt into the outbox and tries to deliver it. On return it is on stable storage, so that it gets there
    /// sooner or later.
    ///
    /// - Returns: What the outbox calls it.
    func send(
        note: String, about envelope: ReferencedEnvelope, to target: DeliveryTarget, manifest: Manifest?
    ) async throws -> String {
        var target = target
        target.options.merge(prepared.kept) { $1 }
        let moment = Timestamp.now()
        let payload = ControlPayload.acknowledgement(of: envelope, note: note, at: moment)
        let surface = try SurfaceBuilder(
            time: .second, context: payload.context, profile: "claude", priority: "background"
        ).surface(at: moment)
        guard let name = surface.arrivalName else { throw UsageError("the surface gives no usable name") }
        var options = SealOptions(senderName: prepared.name)
        options.time = moment
        options.transferID = .generate(at: moment)
        options.surface = ManifestSurface(surface)
        options.compression = .none
        options.causalParent = envelope.digest
        if let manifest {
            options.receiverName = manifest.senderName
            options.receiverKey = manifest.senderKey.hex
        }
        let (key, sealing, order) = (prepared.sender.key, options, DeliveryOrder(target))
        let entry = try await Blocking.run {
            let sealer = Sealer(key: key, options: sealing)
            let outbox = try Outbox.current()
            return try outbox.seal(
                payload.input(), as: name, with: sealer, at: moment, orders: [order])
        }
        guard let order = entry.entries.first else { return "" }
        let dispatcher = Dispatcher(
            outbox: try await Blocking.run { try Outbox.current() }, planner: prepared.resolver,
            carrier: prepared.composition.carrier, report: DispatchNotes.show(output))
        let outcome = try await dispatcher.attempt(order.id, reporting: .none)
        if outcome.entry.state != .delivered {
            Terminal.note("the receipt waits as \(order.id): \(outcome.failure.map { "\($0)" } ?? "not delivered yet")")
        }
        return order.id.text
    }
}
