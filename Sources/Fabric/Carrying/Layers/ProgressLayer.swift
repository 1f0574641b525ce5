/// Tells an observer what every delivery does, and changes nothing.
public struct ProgressLayer: CarrierLayer {
    /// What an observer is told, from any thread. It must return at once.
    public enum Event: Sendable {
        /// A delivery of the envelope along the route begins.
        case began(SealedEnvelope, Route)
        /// The far side has taken so many bytes.
        case moved(Digest, bytes: Int64, of: Int64)
        /// The delivery is over.
        case ended(Digest, Result<DeliveryReceipt, CarrierError>)
    }

    public let inner: any Carrier

    private let observer: @Sendable (Event) -> Void

    /// Tells `observer` about deliveries through `inner`.
    public init(around inner: any Carrier, observer: @escaping @Sendable (Event) -> Void) {
        self.inner = inner
        self.observer = observer
    }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        observer(.began(envelope, route))
        let (digest, size, observer) = (envelope.digest, envelope.size, observer)
        let sink = ProgressSink { bytes in
            observer(.moved(digest, bytes: bytes, of: size))
            progress.report(bytes)
        }
        let result = await inner.attempt(envelope, along: route, reporting: sink)
        observer(.ended(digest, result))
        return try result.get()
    }
}
