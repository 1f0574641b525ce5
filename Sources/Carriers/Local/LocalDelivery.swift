internal import Fabric

/// One attempt to bring one envelope into one lane. Blocks; runs on a thread of its own.
struct LocalDelivery {
    let envelope: SealedEnvelope
    let route: Route
    let lane: Lane
    let isCancelled: @Sendable () -> Bool

    /// How many bytes are copied between two looks at whether the caller cancelled.
    private static let chunk = 1 << 20

    func run(reporting progress: ProgressSink) throws(CarrierError) -> DeliveryReceipt {
        try checkCancellation()
        // Before anything is copied: what is there already needs no room.
        if let name = try inLane({ () throws(LaneError) in try held() }) {
            progress.report(envelope.size)
            return receipt(storedName: name, wasDuplicate: true)
        }
        let deposit = try inLane { () throws(LaneError) in try lane.begin(envelope.name, expecting: envelope.size) }
        try copy(into: deposit, reporting: progress)
        try checkCancellation()
        let publication = try inLane { () throws(LaneError) in try deposit.commit(expecting: envelope.digest) }
        progress.report(envelope.size)
        return receipt(storedName: publication.storedName, wasDuplicate: publication.outcome == .duplicate)
    }

    private func held() throws(LaneError) -> ArrivalName? {
        try lane.holds(envelope.name, digest: envelope.digest, size: envelope.size)
    }

    private func copy(into deposit: Deposit, reporting progress: ProgressSink) throws(CarrierError) {
        let source = try fromSource { () throws(SystemFailure) in try envelope.open() }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunk, alignment: 4096)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while true {
            try checkCancellation()
            let count = try fromSource { () throws(SystemFailure) in try source.read(into: buffer, at: offset) }
            if count == 0 { return }
            let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
            try inLane { () throws(LaneError) in try deposit.write(bytes) }
            offset += Int64(count)
            // All of it is reported with the receipt, not before: it may still turn out to be other bytes.
            if offset < envelope.size { progress.report(offset) }
        }
    }

    private func receipt(storedName: ArrivalName, wasDuplicate: Bool) -> DeliveryReceipt {
        DeliveryReceipt(
            strength: .stored, route: route, storedName: storedName.text, farDigest: envelope.digest,
            wasDuplicate: wasDuplicate)
    }

    private func checkCancellation() throws(CarrierError) {
        guard isCancelled() else { return }
        throw CarrierError(.cancelled, .retry(after: nil), "the delivery to '\(route)' was cancelled")
    }

    private func inLane<Value>(_ body: () throws(LaneError) -> Value) throws(CarrierError) -> Value {
        do throws(LaneError) { return try body() } catch { throw CarrierError(error, deliveringTo: route) }
    }

    private func fromSource<Value>(_ body: () throws(SystemFailure) -> Value) throws(CarrierError) -> Value {
        do throws(SystemFailure) {
            return try body()
        } catch {
            throw CarrierError(local: error, "cannot read the envelope")
        }
    }
}
