public import Fabric
internal import Synchronization
internal import SystemPackage

/// Delivers into far sides of this process. It keeps every obligation, so it is the example of what they mean, and a
/// double for tests of what is above the carriers.
public struct InMemoryCarrier: ResumableCarrier, ProbingCarrier, ReceivingCarrier {
    public static let schemes = ["memory"]

    public let traits: CarrierTraits

    let world: InMemoryWorld
    private let stallTime: Duration
    private let gate: DeliveryGate

    /// A carrier to the far sides of `world`.
    ///
    /// - Parameter stallTime: For how long a far side may be silent.
    public init(
        world: InMemoryWorld, stallTime: Duration = .milliseconds(200), inFlight: Int = 4, largest: Int64? = nil
    ) {
        self.world = world
        self.stallTime = stallTime
        gate = DeliveryGate(limit: inFlight)
        traits = CarrierTraits(
            strongestReceipt: .stored, largestEnvelope: largest, inFlight: inFlight, publishesAtomically: true)
    }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        let farSide = try world.farSide(route)
        if let largest = traits.largestEnvelope, envelope.size > largest {
            throw CarrierError(
                .tooLarge(limit: largest), .tryNextRoute, "\(envelope.size) bytes are more than '\(route)' takes")
        }
        return try await gate.pass(to: route) { () throws(CarrierError) in
            try await InMemoryDelivery(envelope: envelope, farSide: farSide, stallTime: stallTime)
                .run(reporting: progress)
        }
    }

    public func bytesHeld(of envelope: SealedEnvelope, along route: Route) async throws(CarrierError) -> Int64 {
        let farSide = try world.farSide(route)
        return try await InMemoryDelivery(envelope: envelope, farSide: farSide, stallTime: stallTime).checkedPartial()?
            .size ?? 0
    }

    public func probe(_ route: Route) async throws(CarrierError) {
        try InMemoryDelivery.connect(to: try world.farSide(route))
    }

    public func nextArrival(along route: Route) async throws(CarrierError) -> any Arrival {
        let farSide = try world.farSide(route)
        while true {
            if Task.isCancelled {
                throw CarrierError(.cancelled, .retry(after: nil), "waiting for arrivals from '\(route)' was cancelled")
            }
            let taken = farSide.state.withLock { $0.queue.take() }
            if let taken { return InMemoryArrival(farSide: farSide, taken: taken) }
            await farSide.somethingChanges()
        }
    }
}

/// The far sides that an `InMemoryCarrier` finds.
public final class InMemoryWorld: Sendable {
    private let farSides = Mutex<[Route: InMemoryFarSide]>([:])

    /// An empty world.
    public init() {}

    /// A new far side in it.
    public func makeFarSide() -> InMemoryFarSide {
        let farSide = InMemoryFarSide()
        farSides.withLock { $0[farSide.route] = farSide }
        return farSide
    }

    func farSide(_ route: Route) throws(CarrierError) -> InMemoryFarSide {
        guard let farSide = farSides.withLock({ $0[route] }) else {
            throw CarrierError(
                .misconfigured, .giveUp, "'\(route.scheme)' and '\(route.address.prefix(80))' are no route in memory")
        }
        return farSide
    }
}

extension InMemoryFarSide {
    /// Waits until something is offered or time goes by, or the task is cancelled.
    func somethingChanges() async {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isAwake = state.withLock { state in
                    // What is free by now woke nobody who was not yet waiting.
                    var queue = state.queue
                    if Task.isCancelled || queue.take() != nil { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isAwake { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}

/// One envelope that an in-memory far side offered.
struct InMemoryArrival: Arrival {
    let farSide: InMemoryFarSide
    let offer: Offer
    let requestedName: ArrivalName
    let ticket: Int
    private let log = SettlementLog()

    var claimedDigest: Digest { offer.claimedDigest }
    var size: Int64 { offer.claimedSize }
    var lease: Duration? { ArrivalQueue.lease }

    init(farSide: InMemoryFarSide, taken: (offer: Offer, name: ArrivalName, ticket: Int)) {
        self.farSide = farSide
        (offer, requestedName, ticket) = taken
    }

    func copy(into sink: any EnvelopeSink, from offset: Int64) async throws(CopyError) {
        guard size == Int64(offer.bytes.count), (0...size).contains(offset) else {
            throw .source(
                CarrierError(.corrupted, .giveUp, "\(offer.bytes.count) bytes are offered where \(size) are claimed"))
        }
        let bytes = offer.bytes
        do throws(LaneError) {
            try await BlockingCall.run { _ throws(LaneError) in
                let result = bytes.withUnsafeBytes { all in
                    Result { () throws(LaneError) in
                        try sink.write(UnsafeRawBufferPointer(rebasing: all[Int(offset)...]))
                    }
                }
                try result.get()
            }
        } catch {
            throw .sink(error)
        }
    }

    func settle(_ settlement: Settlement) async throws(SettlementError) {
        try await log.settle(settlement) { () async throws(SettlementError) in
            try farSide.change { state throws(SettlementError) in try state.queue.settle(ticket, settlement) }
        }
    }
}
