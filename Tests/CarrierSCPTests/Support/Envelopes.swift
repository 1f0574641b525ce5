import Fabric
import Synchronization
import SystemPackage
import Testing

@testable import CarrierSCP

let demoName = "2026-05-14.demo.claude.normal.tza"

/// An envelope that claims to be `bytes`, and whose source gives `given`.
func envelope(_ bytes: [UInt8], giving given: [UInt8]? = nil, name: String = demoName) -> SealedEnvelope {
    let source = MemorySource(bytes: given ?? bytes)
    return SealedEnvelope(name: ArrivalName(name)!, digest: Digest(of: bytes), size: Int64(bytes.count)) {
        () throws(SystemFailure) in source
    }
}

/// An envelope in memory.
struct MemorySource: EnvelopeSource {
    let bytes: [UInt8]

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        let rest = bytes.dropFirst(Int(offset)).prefix(buffer.count)
        buffer.copyBytes(from: rest)
        return rest.count
    }
}

/// Collects what is reported.
final class Reports: Sendable {
    private let values = Mutex<[Int64]>([])

    var sink: ProgressSink { ProgressSink { value in self.values.withLock { $0.append(value) } } }
    var seen: [Int64] { values.withLock { $0 } }
}

extension SCPCarrier {
    func deliver(_ envelope: SealedEnvelope, along route: Route) async throws(CarrierError) -> DeliveryReceipt {
        try await deliver(envelope, along: route, reporting: .none)
    }

    /// The error of a delivery that must fail.
    func failure(
        _ envelope: SealedEnvelope, along route: Route, sourceLocation: SourceLocation = #_sourceLocation
    ) async -> CarrierError? {
        do {
            let receipt = try await deliver(envelope, along: route)
            Issue.record("delivered: \(receipt)", sourceLocation: sourceLocation)
            return nil
        } catch {
            return error
        }
    }
}
