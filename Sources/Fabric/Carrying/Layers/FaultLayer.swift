internal import Synchronization
internal import SystemPackage

/// Makes deliveries go wrong, as a plan says, to try out what is above it.
///
/// Every obligation still holds: what goes wrong ends in an error that the far side's state agrees with.
public struct FaultLayer: CarrierLayer {
    public let inner: any Carrier

    private let plan: FaultPlan
    private let counter = Counter()

    /// Breaks deliveries through `inner` as `plan` says.
    public init(around inner: any Carrier, plan: FaultPlan) {
        self.inner = inner
        self.plan = plan
    }

    public func forwards(_ power: CarrierPower) -> Bool { power == .probing }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        let fault = plan.fault(for: counter.next(), size: envelope.size)
        switch fault {
        case .none:
            return try await inner.deliver(envelope, along: route, reporting: progress)
        case .drop:
            throw CarrierError(.unreachable, .retry(after: nil), "the connection to '\(route)' was dropped on purpose")
        case .delay(let duration):
            do {
                try await Task.sleep(for: duration)
            } catch {
                throw CarrierError(.cancelled, .retry(after: nil), "the delivery to '\(route)' was cancelled")
            }
            return try await inner.deliver(envelope, along: route, reporting: progress)
        case .cut, .truncate, .flip:
            return try await deliver(envelope, along: route, reporting: progress, with: fault)
        case .loseReceipt:
            // The last byte is not reported: nobody knows that it is there.
            let size = envelope.size
            let sink = ProgressSink { bytes in if bytes < size { progress.report(bytes) } }
            _ = try await inner.deliver(envelope, along: route, reporting: sink)
            throw CarrierError(.stalled, .retry(after: nil), "the receipt from '\(route)' was lost on purpose")
        case .duplicate:
            let size = envelope.size
            let sink = ProgressSink { bytes in if bytes < size { progress.report(bytes) } }
            _ = try await inner.deliver(envelope, along: route, reporting: sink)
            return try await inner.deliver(
                envelope, along: route, reporting: .init { if $0 == size { progress.report($0) } })
        }
    }

    /// Delivers what the fault leaves of the envelope.
    private func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink, with fault: Fault
    ) async throws(CarrierError) -> DeliveryReceipt {
        let wasCut = Counter()
        let broken = SealedEnvelope(name: envelope.name, digest: envelope.digest, size: envelope.size) {
            () throws(SystemFailure) in
            BrokenSource(inner: try envelope.open(), fault: fault, wasCut: wasCut)
        }
        do throws(CarrierError) {
            return try await inner.deliver(broken, along: route, reporting: progress)
        } catch {
            guard wasCut.count > 0, error.kind != .cancelled else { throw error }
            throw CarrierError(.unreachable, .retry(after: nil), "the connection to '\(route)' was cut on purpose")
        }
    }
}

/// Counts from 0, from any thread.
private final class Counter: Sendable {
    private let value = Atomic(0)

    var count: Int { value.load(ordering: .relaxed) }

    func next() -> Int { value.add(1, ordering: .relaxed).oldValue }
}

/// An envelope that something happened to.
private struct BrokenSource: EnvelopeSource {
    let inner: any EnvelopeSource
    let fault: Fault
    let wasCut: Counter

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        let count = try inner.read(into: buffer, at: offset)
        let end = offset + Int64(count)
        switch fault {
        case .cut(let place) where end > place:
            _ = wasCut.next()
            throw SystemFailure("cut on purpose", .ioError)
        case .truncate(let place) where end > place:
            return Int(max(0, place - offset))
        case .flip(let place) where (offset..<end).contains(place):
            buffer[Int(place - offset)] ^= 1
            return count
        default:
            return count
        }
    }
}
