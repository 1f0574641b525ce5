/// A carrier that can also fetch what others left for us.
///
/// Its obligations, numbered on from those of `Carrier`:
///
/// 15. Every envelope that waits along the route is offered sooner or later, until it is settled with `commit` or
///     `refuse`: after a crash of either side too. What is offered with claims that cannot be (a hostile name, a
///     negative size) is passed over and does not block the rest.
/// 16. While one taker holds an arrival it is offered to nobody else. A lease that was not extended ends, and the
///     envelope is offered again.
/// 17. `Arrival.copy` gives exactly the bytes from the offset to the claimed size, in order and in constant memory, and
///     throws `corrupted` when there are fewer or more. It does not look at the digest: that is the lane's.
/// 18. What was settled with `commit` or `refuse` is never offered again.
/// 19. What was settled with `release(after:)` is offered again, not before the time has gone by.
/// 20. `extend` holds the arrival for that long from then on.
/// 21. Settling the same way twice is harmless. Settling otherwise the second time throws `settledOtherwise` and changes
///     nothing.
/// 22. Settling after the lease was lost throws `leaseLost` and changes nothing.
/// 23. When the calling task is cancelled, `nextArrival` ends promptly with `cancelled`, and what it might have been
///     about to return is offered again.
public protocol ReceivingCarrier: Carrier {
    /// Waits for the next envelope along `route`, however long that takes.
    ///
    /// On return the far side holds it for the caller, who must settle it. On throw nothing was taken.
    func nextArrival(along route: Route) async throws(CarrierError) -> any Arrival
}

extension ReceivingCarrier {
    /// The envelopes along `route`, one after the other, until the task is cancelled or the route fails. Each must be
    /// settled by whoever iterates.
    public func arrivals(along route: Route) -> ArrivalSequence { ArrivalSequence(carrier: self, route: route) }
}

/// The arrivals along one route.
public struct ArrivalSequence: AsyncSequence, Sendable {
    public typealias Element = any Arrival
    public typealias Failure = CarrierError

    let carrier: any ReceivingCarrier
    let route: Route

    public func makeAsyncIterator() -> Iterator { Iterator(carrier: carrier, route: route) }

    /// Asks the carrier for one after the other.
    public struct Iterator: AsyncIteratorProtocol {
        let carrier: any ReceivingCarrier
        let route: Route

        public mutating func next() async throws(CarrierError) -> (any Arrival)? {
            try await carrier.nextArrival(along: route)
        }

        public mutating func next(isolation actor: isolated (any Actor)?) async throws(CarrierError) -> (any Arrival)? {
            try await carrier.nextArrival(along: route)
        }
    }
}
