internal import Fabric
internal import Synchronization
internal import SystemPackage

/// Many at once.
enum CrowdCases {
    static let all = [noMoreThanPromised, everyOneArrives, cancelledWhileWaiting]

    static let noMoreThanPromised = ConformanceCase(
        "in-flight", [10], "no more sources are being read at once than the traits promise, and all get their turn"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let limit = carrier.traits.inFlight
        trial.expect(limit >= 1, "the traits promise \(limit) at once")
        let crowd = Crowd()
        let envelopes = try (0..<(2 * limit + 1)).map { number in
            try trial.envelope(200_000, seed: UInt64(number)).reading { crowd.count($0, size: 200_000) }
        }
        await withTaskGroup(of: Result<DeliveryReceipt, CarrierError>.self) { group in
            for envelope in envelopes { group.addTask { await carrier.outcome(envelope, along: farSide.route) } }
            for await outcome in group {
                if case .failure(let error) = outcome { trial.fail("one of them failed: \(error)") }
            }
        }
        trial.expect(crowd.peak <= limit, "\(crowd.peak) were read at once, \(limit) are promised")
        trial.expect(try await farSide.publishedNames().count == envelopes.count, "not every one arrived")
    }

    static let everyOneArrives = ConformanceCase(
        "concurrent-senders", [3, 4, 10], "several senders at once, same names and same bytes among them, lose nothing"
    ) { trial in
        let farSide = try await trial.farSide()
        let carriers = [try await trial.carrier(), try await trial.carrier(), try await trial.carrier()]
        let shared = try trial.name()
        var envelopes: [SealedEnvelope] = []
        for number in 0..<12 {
            // Four of the same name with two contents between them; eight with names of their own.
            let name = number % 3 == 0 ? shared : try trial.name()
            envelopes.append(try trial.envelope(150_000, seed: UInt64(number % 6), name: name))
        }
        let all = envelopes
        let stored = await withTaskGroup(of: (Digest, Result<DeliveryReceipt, CarrierError>).self) { group in
            for (number, envelope) in all.enumerated() {
                group.addTask { (envelope.digest, await carriers[number % 3].outcome(envelope, along: farSide.route)) }
            }
            return await group.reduce(into: [(Digest, Result<DeliveryReceipt, CarrierError>)]()) { $0.append($1) }
        }
        for (digest, outcome) in stored {
            switch outcome {
            case .success(let receipt):
                guard let name = receipt.storedName else { continue }
                let object = try await farSide.object(named: name)
                trial.expect(object?.digest == digest, "'\(name)' has other bytes than its receipt says")
            case .failure(let error):
                trial.expect(error.kind == .conflict, "one of them failed: \(error)")
            }
        }
        trial.expect(try await farSide.publishedNames().count >= 9, "not every one arrived")
    }

    static let cancelledWhileWaiting = ConformanceCase(
        "cancelled-while-waiting", [5, 10], "a delivery that waits for its turn can be cancelled, and delays nobody"
    ) { trial in
        let carrier = try await trial.carrier()
        let farSide = try await trial.farSide()
        let under = try (0..<carrier.traits.inFlight).map { number in
            StoppedDelivery(
                try trial.envelope(1000, seed: UInt64(number)), by: carrier, along: farSide.route, stops: [0],
                in: trial)
        }
        // A carrier that reads every source on one thread stands at the first of them.
        let firsts = under.map { delivery in Task { await delivery.turnstile.reached() != nil } }
        let hasBegun = await withTaskGroup(of: Bool.self) { group in
            for first in firsts { group.addTask { await first.value } }
            let began = await group.next() ?? false
            for delivery in under { delivery.turnstile.finish() }
            return began
        }
        trial.expect(hasBegun, "no delivery began")
        let envelope = try trial.envelope(1000, seed: 99)
        let waiting = Task { await carrier.outcome(envelope, along: farSide.route) }
        waiting.cancel()
        for delivery in under { delivery.turnstile.open() }
        switch await waiting.value {
        case .success: trial.fail("what was cancelled returned a receipt")
        case .failure(let error): trial.expect(error.kind == .cancelled, "it is not cancelled but \(error)")
        }
        for delivery in under { _ = try await delivery.task.value.get() }
        trial.expect(
            try await farSide.publishedNames().count == under.count, "other envelopes arrived than were to arrive")
    }
}

/// How many sources are between their first and their last byte.
private final class Crowd: Sendable {
    private let state = Mutex((now: 0, peak: 0))

    var peak: Int { state.withLock { $0.peak } }

    func count(_ source: any EnvelopeSource, size: Int64) -> any EnvelopeSource {
        Counted(inner: source, size: size, crowd: self)
    }

    private func enter() {
        state.withLock { state in
            state.now += 1
            state.peak = max(state.peak, state.now)
        }
    }

    private func leave() { state.withLock { $0.now -= 1 } }

    private final class Counted: EnvelopeSource {
        let inner: any EnvelopeSource
        let size: Int64
        let crowd: Crowd
        private let hasLeft = Atomic(false)

        init(inner: any EnvelopeSource, size: Int64, crowd: Crowd) {
            (self.inner, self.size, self.crowd) = (inner, size, crowd)
            crowd.enter()
        }

        deinit { leave() }

        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
            let count = try inner.read(into: buffer, at: offset)
            if buffer.count > 1, offset + Int64(count) >= size { leave() }
            return count
        }

        private func leave() {
            if !hasLeft.exchange(true, ordering: .acquiringAndReleasing) { crowd.leave() }
        }
    }
}
