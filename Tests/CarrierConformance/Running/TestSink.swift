internal import Fabric
internal import Synchronization

/// Takes the bytes of an arrival, and keeps nothing but what they were.
final class TestSink: EnvelopeSink {
    private let state = Mutex((hasher: DigestHasher(), size: Int64(0)))

    func write(_ bytes: UnsafeRawBufferPointer) throws(LaneError) {
        state.withLock { state in
            state.hasher.update(bytes)
            state.size += Int64(bytes.count)
        }
    }

    var object: PublishedObject {
        state.withLock { PublishedObject(digest: $0.hasher.finish(), size: $0.size) }
    }
}

extension Trial {
    /// A receiving carrier.
    func receiver() async throws -> any ReceivingCarrier {
        guard let carrier = try await carrier().receiving else { throw MissingPower("the carrier receives nothing") }
        return carrier
    }

    /// Offers `bytes` under a name of its own, which is returned.
    func offer(_ bytes: [UInt8], at farSide: any FarSide) async throws -> ArrivalName {
        let name = try name()
        try await farSide.offer(Offer(name: name.text, bytes: bytes))
        return name
    }

    /// The next arrival that has this name; others on the way are a failure.
    func expectArrival(
        _ name: ArrivalName, from carrier: any ReceivingCarrier, at farSide: any FarSide, _ when: String
    ) async throws -> any Arrival {
        let arrival = try await carrier.nextArrival(along: farSide.route)
        expect(arrival.requestedName == name, "\(when): '\(arrival.requestedName)' came, not '\(name)'")
        return arrival
    }

    /// Checks that nothing is offered but what is offered now.
    func expectNothingElse(from carrier: any ReceivingCarrier, at farSide: any FarSide, _ when: String) async throws {
        let last = try await offer([0xff], at: farSide)
        try await expectArrival(last, from: carrier, at: farSide, when).settle(.commit)
    }

    /// The error of a settlement.
    func settlementError(_ arrival: any Arrival, _ settlement: Settlement) async -> SettlementError? {
        do throws(SettlementError) {
            try await arrival.settle(settlement)
            return nil
        } catch {
            check(error)
            return error
        }
    }
}
