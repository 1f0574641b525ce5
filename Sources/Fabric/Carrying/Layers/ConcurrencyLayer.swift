/// No more than so many deliveries at once; the others wait in the order in which they came.
public struct ConcurrencyLayer: CarrierLayer {
    public let inner: any Carrier
    public let traits: CarrierTraits

    private let gate: DeliveryGate

    /// Limits `inner` to `limit` deliveries at once, or to its own limit where that is lower.
    public init(around inner: any Carrier, limit: Int) {
        self.inner = inner
        var traits = inner.traits
        traits.inFlight = max(1, min(limit, traits.inFlight))
        self.traits = traits
        gate = DeliveryGate(limit: traits.inFlight)
    }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        try await gate.pass(to: route) { () throws(CarrierError) in
            try await inner.deliver(envelope, along: route, reporting: progress)
        }
    }
}
