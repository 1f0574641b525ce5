internal import Fabric
internal import Synchronization
internal import SystemPackage

/// One attempt to bring one envelope to an in-memory far side.
struct InMemoryDelivery {
    let envelope: SealedEnvelope
    let farSide: InMemoryFarSide
    let stallTime: Duration

    private static let chunk: Int64 = 1 << 18
    /// Up to where a far side gets that dies midway, that has no room, or that trickles.
    private static let breakingPoint: Int64 = 1 << 20

    /// Throws what stands in the way before the first byte.
    static func connect(to farSide: InMemoryFarSide) throws(CarrierError) {
        let route = farSide.route
        switch farSide.breakage {
        case .absent:
            throw CarrierError(.unreachable, .retry(after: nil), "nobody is at '\(route)'")
        case .closesAtOnce:
            throw CarrierError(.unreachable, .retry(after: nil), "'\(route)' closes at once")
        case .speaksAnother:
            throw CarrierError(.corrupted, .tryNextRoute, "'\(route)' speaks another protocol")
        case .readOnly:
            throw CarrierError(.refused, .tryNextRoute, "'\(route)' takes nothing")
        case .changedKey:
            throw CarrierError(
                .hostKeyChanged, .waitForPerson, "'\(route)' has another key than before",
                remedy: "ask whoever runs it whether that is meant")
        case .unknownKey:
            throw CarrierError(
                .refused, .waitForPerson, "the key of '\(route)' is not known", remedy: "compare it, and add it")
        case .otherKeyType:
            throw CarrierError(
                .refused, .waitForPerson, "'\(route)' shows a key of another type than the one that is known",
                remedy: "add its key of this type")
        default: return
        }
    }

    func run(reporting progress: ProgressSink) async throws(CarrierError) -> DeliveryReceipt {
        try checkCancellation()
        try Self.connect(to: farSide)
        let place = farSide.state.withLock { InMemoryFarSide.place(envelope.name, envelope.digest, in: $0) }
        if let place, place.isHeld {
            try await answer()
            progress.report(envelope.size)
            return receipt(place.name, wasDuplicate: true, resumedFrom: 0)
        }
        let staging = farSide.state.withLock { state in
            state.nextStaged += 1
            state.staged.insert(state.nextStaged)
            return state.nextStaged
        }
        defer { farSide.state.withLock { _ = $0.staged.remove(staging) } }
        let start = try await checkedPartial()
        let object = try await send(from: start, reporting: progress)
        guard object == PublishedObject(digest: envelope.digest, size: envelope.size) else {
            farSide.state.withLock { _ = $0.partials.removeValue(forKey: envelope.digest) }
            throw CarrierError(
                .corrupted, .giveUp, "the envelope has other bytes than it was said to have",
                remedy: "seal it again: the envelope changed after it was sealed")
        }
        try checkCancellation()
        let published = try publish(object)
        try await answer()
        progress.report(envelope.size)
        return receipt(published.name, wasDuplicate: published.isHeld, resumedFrom: start?.size ?? 0)
    }

    /// What the far side holds from before, if it is how the envelope begins.
    func checkedPartial() async throws(CarrierError) -> InMemoryFarSide.Partial? {
        guard let partial = farSide.state.withLock({ $0.partials[envelope.digest] }), partial.size <= envelope.size
        else { return nil }
        let found = try await read(upTo: partial.size)
        return found == PublishedObject(digest: partial.hasher.finish(), size: partial.size) ? partial : nil
    }

    private func send(
        from start: InMemoryFarSide.Partial?, reporting progress: ProgressSink
    ) async throws(CarrierError) -> PublishedObject {
        let source = try await blocking { () throws(SystemFailure) in try envelope.open() }
        var sent = start ?? InMemoryFarSide.Partial(hasher: DigestHasher(), size: 0)
        while true {
            try checkCancellation()
            let before = sent
            sent = try await blocking { () throws(SystemFailure) in try Self.feed(before, from: source) }
            if sent.size == before.size { return PublishedObject(digest: sent.hasher.finish(), size: sent.size) }
            if sent.size > envelope.size { return PublishedObject(digest: envelope.digest, size: sent.size) }
            try await breakDown(after: before)
            if sent.size < envelope.size { progress.report(sent.size) }
        }
    }

    /// Reads the next piece.
    private static func feed(
        _ partial: InMemoryFarSide.Partial, from source: any EnvelopeSource, limit: Int64 = .max
    ) throws(SystemFailure) -> InMemoryFarSide.Partial {
        var partial = partial
        let wanted = Int(min(chunk, limit - partial.size))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted, alignment: 64)
        defer { buffer.deallocate() }
        let count = try source.read(into: buffer, at: partial.size)
        partial.hasher.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
        partial.size += Int64(count)
        return partial
    }

    private func read(upTo limit: Int64) async throws(CarrierError) -> PublishedObject {
        try await blocking { () throws(SystemFailure) in
            let source = try envelope.open()
            var read = InMemoryFarSide.Partial(hasher: DigestHasher(), size: 0)
            while read.size < limit {
                let before = read.size
                read = try Self.feed(read, from: source, limit: limit)
                if read.size == before { break }
            }
            return PublishedObject(digest: read.hasher.finish(), size: read.size)
        }
    }

    /// What goes wrong while bytes are coming.
    private func breakDown(after held: InMemoryFarSide.Partial) async throws(CarrierError) {
        let route = farSide.route
        switch farSide.breakage {
        case .full where held.size >= Self.breakingPoint:
            throw CarrierError(.full, .retry(after: nil), "'\(route)' has no room")
        case .diesMidway where held.size >= Self.breakingPoint:
            farSide.state.withLock { $0.partials[envelope.digest] = held }
            throw CarrierError(.unreachable, .retry(after: nil), "'\(route)' went away")
        case .trickles where held.size >= Self.breakingPoint:
            try await stall()
        case .slow:
            try await wait(.milliseconds(5))
        default: return
        }
    }

    private func publish(_ object: PublishedObject) throws(CarrierError) -> (name: String, isHeld: Bool) {
        if [.forgets, .miscounts].contains(farSide.breakage) {
            throw CarrierError(.corrupted, .retry(after: nil), "'\(farSide.route)' has other bytes than it took")
        }
        let place = farSide.state.withLock { state in
            let place = InMemoryFarSide.place(envelope.name, envelope.digest, in: state)
            if let place { state.objects[place.name] = object }
            state.partials[envelope.digest] = nil
            return place
        }
        guard let place else {
            throw CarrierError(.conflict, .giveUp, "every name made from '\(envelope.name)' is taken")
        }
        return place
    }

    /// What goes wrong with the answer.
    private func answer() async throws(CarrierError) {
        let route = farSide.route
        switch farSide.breakage {
        case .neverAnswers: try await stall()
        case .answersLate: try await wait(stallTime / 4)
        case .diesBeforeAnswering:
            throw CarrierError(.unreachable, .retry(after: nil), "'\(route)' went away before it answered")
        case .answersGarbage:
            throw CarrierError(.corrupted, .retry(after: nil), "'\(route)' answered something else")
        default: return
        }
    }

    private func stall() async throws(CarrierError) {
        try await wait(stallTime)
        throw CarrierError(.stalled, .retry(after: nil), "'\(farSide.route)' said nothing for \(stallTime)")
    }

    private func wait(_ duration: Duration) async throws(CarrierError) {
        try? await Task.sleep(for: duration)
        try checkCancellation()
    }

    private func receipt(_ name: String, wasDuplicate: Bool, resumedFrom: Int64) -> DeliveryReceipt {
        DeliveryReceipt(
            strength: .stored, route: farSide.route, storedName: name, farDigest: envelope.digest,
            wasDuplicate: wasDuplicate, resumedFrom: resumedFrom)
    }

    private func checkCancellation() throws(CarrierError) {
        guard Task.isCancelled else { return }
        throw CarrierError(.cancelled, .retry(after: nil), "the delivery to '\(farSide.route)' was cancelled")
    }

    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(SystemFailure) -> Value
    ) async throws(CarrierError) -> Value {
        do throws(SystemFailure) {
            return try await BlockingCall.run { _ throws(SystemFailure) in try body() }
        } catch {
            throw CarrierError(
                .misconfigured, .waitForPerson, "cannot read the envelope: \(error.explanation)", remedy: error.remedy)
        }
    }
}
