/// A carrier around a carrier: it delivers through `inner`, and changes how.
///
/// 24. A layer keeps every obligation of the carrier within it. Its traits promise no more than those of `inner`.
/// 25. A power of `inner` is either forwarded, and then works as without the layer, or hidden: a lookup finds nothing.
///
/// | layer | forwards | hides |
/// |---|---|---|
/// | `BandwidthLayer` | resuming, probing, receiving (without a limit) | |
/// | `ConcurrencyLayer` | resuming, probing, receiving | |
/// | `ProgressLayer` | resuming, probing, receiving | |
/// | `FaultLayer` | probing | resuming, receiving: they would go round the faults |
/// | `DryRunLayer` | probing | resuming, receiving: nothing was sent and nothing is taken |
public protocol CarrierLayer: Carrier {
    /// The carrier that does the work.
    var inner: any Carrier { get }

    /// Whether a lookup may go on to `inner` for `power`.
    func forwards(_ power: CarrierPower) -> Bool
}

extension CarrierLayer {
    /// None: a layer takes what the carrier within it takes.
    public static var schemes: [String] { [] }
    public var schemes: [String] { inner.schemes }
    public var traits: CarrierTraits { inner.traits }
    public func forwards(_ power: CarrierPower) -> Bool { true }
}

/// An ability that not every carrier has.
public enum CarrierPower: String, Sendable, CaseIterable {
    /// `ResumableCarrier`.
    case resuming
    /// `ProbingCarrier`.
    case probing
    /// `ReceivingCarrier`.
    case receiving
}

/// A carrier that has not every power that its type has, because only each carrier knows: a plug-in's.
public protocol SelectiveCarrier: Carrier {
    /// Whether this carrier has `power`.
    func offers(_ power: CarrierPower) -> Bool
}

/// Whoever wants a power asks here, and never with `as?`: a layer may have it only through the carrier within it.
extension Carrier {
    /// This carrier, or the one within it, if it can resume.
    public var resuming: (any ResumableCarrier)? { find(.resuming) { $0 as? any ResumableCarrier } }

    /// This carrier, or the one within it, if it can probe.
    public var probing: (any ProbingCarrier)? { find(.probing) { $0 as? any ProbingCarrier } }

    /// This carrier, or the one within it, if it can receive.
    public var receiving: (any ReceivingCarrier)? { find(.receiving) { $0 as? any ReceivingCarrier } }

    private func find<Power>(_ power: CarrierPower, _ cast: (any Carrier) -> Power?) -> Power? {
        var carrier: any Carrier = self
        while true {
            let isOffered = (carrier as? any SelectiveCarrier)?.offers(power) ?? true
            if isOffered, let found = cast(carrier) { return found }
            guard let layer = carrier as? any CarrierLayer, layer.forwards(power) else { return nil }
            carrier = layer.inner
        }
    }
}
