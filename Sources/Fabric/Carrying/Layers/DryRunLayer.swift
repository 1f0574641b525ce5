internal import SystemPackage

/// Does everything but deliver: looks whether the route could be taken, and whether the envelope is what it says.
///
/// No receipt is ever returned, because nothing was received: each delivery ends with `.refused`, the action
/// `.waitForPerson`, and what would have been sent. What would have failed fails as it would have.
public struct DryRunLayer: CarrierLayer {
    public let inner: any Carrier

    /// Keeps `inner` from delivering.
    public init(around inner: any Carrier) { self.inner = inner }

    public func forwards(_ power: CarrierPower) -> Bool { power == .probing }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        guard schemes.contains(route.scheme) else {
            throw CarrierError(
                .misconfigured, .giveUp, "a route with '\(route.scheme)' is not for this carrier",
                remedy: "use one of \(schemes.joined(separator: ", "))")
        }
        if let largest = traits.largestEnvelope, envelope.size > largest {
            throw CarrierError(
                .tooLarge(limit: largest), .tryNextRoute,
                "an envelope of \(envelope.size) bytes is larger than the \(largest) bytes that the route takes")
        }
        try await BlockingCall.run { isCancelled throws(CarrierError) in
            try Rehearsal(envelope: envelope, route: route, isCancelled: isCancelled).run()
        }
        try await probing?.probe(route)
        throw CarrierError(
            .refused, .waitForPerson,
            "this is a dry run: '\(envelope.name)' of \(envelope.size) bytes was not sent to '\(route)'",
            remedy: "send it without the dry run")
    }
}

/// Reads an envelope as a carrier would. Blocks.
private struct Rehearsal {
    let envelope: SealedEnvelope
    let route: Route
    let isCancelled: @Sendable () -> Bool

    func run() throws(CarrierError) {
        let (digest, size) = try read()
        guard size == envelope.size, digest == envelope.digest else {
            throw CarrierError(
                .corrupted, .giveUp, "the envelope has other bytes than it was said to have",
                remedy: "seal it again: the envelope changed after it was sealed")
        }
    }

    private func read() throws(CarrierError) -> (Digest, Int64) {
        do throws(SystemFailure) {
            let source = try envelope.open()
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
            defer { buffer.deallocate() }
            var hasher = DigestHasher()
            var offset: Int64 = 0
            // A source without an end is known for too long as soon as it is.
            while offset <= envelope.size, !isCancelled() {
                let count = try source.read(into: buffer, at: offset)
                if count == 0 { break }
                hasher.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
                offset += Int64(count)
            }
            if !isCancelled() { return (hasher.finish(), offset) }
        } catch {
            throw CarrierError(
                .misconfigured, .waitForPerson, "cannot read the envelope: \(error.explanation)", remedy: error.remedy)
        }
        throw CarrierError(.cancelled, .retry(after: nil), "the delivery to '\(route)' was cancelled")
    }
}
