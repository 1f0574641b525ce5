internal import SystemPackage

/// No more than so many bytes a second, counted over all deliveries through this layer.
///
/// The bytes are counted where the carrier reads them from the envelope. Bytes that it reads only to check what the far
/// side holds already are counted as well. A carrier that reads large pieces moves in steps: its stall time must be
/// longer than a piece takes (2 MiB at most among the built-in ones).
public struct BandwidthLayer: CarrierLayer {
    public let inner: any Carrier

    private let meter: Meter

    /// Limits `inner` to `bandwidth`.
    public init(around inner: any Carrier, limit bandwidth: Bandwidth) {
        self.inner = inner
        meter = Meter(bandwidth)
    }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        let wait = InterruptibleWait()
        let meter = meter
        let slowed = SealedEnvelope(name: envelope.name, digest: envelope.digest, size: envelope.size) {
            () throws(SystemFailure) in
            MeteredSource(inner: try envelope.open(), meter: meter, wait: wait)
        }
        let result = await withTaskCancellationHandler {
            await inner.attempt(slowed, along: route, reporting: progress)
        } onCancel: {
            wait.interrupt()
        }
        // A wait that was cut short looks to the carrier like a source that cannot be read.
        if case .failure = result, wait.wasInterrupted {
            throw CarrierError(.cancelled, .retry(after: nil), "the delivery to '\(route)' was cancelled")
        }
        return try result.get()
    }
}

extension Carrier {
    /// A delivery as a value, for layers that look at how it ended.
    func attempt(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async -> Result<DeliveryReceipt, CarrierError> {
        do throws(CarrierError) {
            return .success(try await deliver(envelope, along: route, reporting: progress))
        } catch {
            return .failure(error)
        }
    }
}

/// An envelope that is read no faster than the meter lets it.
private struct MeteredSource: EnvelopeSource {
    let inner: any EnvelopeSource
    let meter: Meter
    let wait: InterruptibleWait

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        let count = try inner.read(into: buffer, at: offset)
        guard wait.sleep(meter.take(count)) else { throw SystemFailure("stopped reading", .interrupted) }
        return count
    }
}
