internal import Fabric
internal import SystemPackage

/// One attempt to deliver one envelope through a plug-in. Blocks; runs on a thread of its own.
struct ExecDelivery {
    let carrier: ExecCarrier
    let envelope: SealedEnvelope
    let route: Route
    let isCancelled: @Sendable () -> Bool

    private var plugin: Plugin { carrier.plugin }

    func run(reporting progress: ProgressSink) throws(CarrierError) -> DeliveryReceipt {
        guard !isCancelled() else { throw .cancelled(plugin) }
        let source = try open()
        let prefix = try heldPrefix(of: source)
        var request = PluginRequest(.deliver, envelope, address: route.address)
        request.offset = prefix.size
        request.path = PluginRequest.envelopePath
        let taken = DeliveryProgress(progress, size: envelope.size)
        let countsTaken = !carrier.introduction.tellsProgress
        var receipt: DeliveryReceipt?
        try carrier.session(isCancelled).run(
            request, feeding: EnvelopeFeed(envelope, source: source, after: prefix),
            moved: { if countsTaken { taken.advance(to: $0) } }
        ) { message, tookAll throws(CarrierError) in
            switch message.type {
            case "progress":
                if let bytes = message.bytes { taken.advance(to: bytes) }
                return .goOn
            case "receipt":
                receipt = try check(message, tookAll: tookAll, resumedFrom: prefix.size)
                return .finish
            case "error": throw CarrierError(message, from: plugin)
            default: throw .misbehaved(plugin, "answered 'deliver' with '\(message.type.prefix(40))'")
            }
        }
        guard let receipt else { throw .misbehaved(plugin, "did not answer") }
        taken.finish()
        return receipt
    }

    func open() throws(CarrierError) -> any EnvelopeSource {
        do throws(SystemFailure) {
            return try envelope.open()
        } catch {
            throw CarrierError(local: error, "cannot read the envelope")
        }
    }

    /// What the far side holds from an earlier attempt, if it is how the envelope begins.
    func heldPrefix(of source: any EnvelopeSource) throws(CarrierError) -> EnvelopePrefix {
        guard carrier.introduction.resumes, envelope.size > 0 else { return EnvelopePrefix() }
        let answer = try carrier.answer(
            to: PluginRequest(.resume, envelope, address: route.address), type: "held", isCancelled)
        guard let held = answer.bytes, held > 0, held < envelope.size, let digest = answer.digest else {
            return EnvelopePrefix()
        }
        let prefix = try EnvelopePrefix(held, of: source, unless: isCancelled)
        guard !isCancelled() else { throw .cancelled(plugin) }
        return prefix.size == held && prefix.hasher.finish().hex == digest ? prefix : EnvelopePrefix()
    }

    /// Takes a receipt only if it can be true.
    private func check(
        _ message: PluginMessage, tookAll: Bool, resumedFrom: Int64
    ) throws(CarrierError) -> DeliveryReceipt {
        guard let strength = ReceiptStrength.allCases.first(where: { $0.description == message.strength }),
            strength <= carrier.traits.strongestReceipt
        else { throw .misbehaved(plugin, "gave a receipt of a strength that it did not promise") }
        let wasDuplicate = message.duplicate ?? false
        guard message.digest == envelope.digest.hex || (message.digest == nil && strength < .stored && !wasDuplicate)
        else { throw .misbehaved(plugin, "gave a receipt for other bytes than it was given") }
        // What was there before need not be read again.
        guard tookAll || wasDuplicate else {
            throw .misbehaved(plugin, "gave a receipt before it had taken every byte")
        }
        return DeliveryReceipt(
            strength: strength, route: route, storedName: message.storedName.flatMap { $0.isEmpty ? nil : $0 },
            farDigest: message.digest == nil ? nil : envelope.digest, wasDuplicate: wasDuplicate,
            resumedFrom: resumedFrom)
    }
}
