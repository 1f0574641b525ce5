public import Fabric
internal import SystemPackage

/// Delivers into a directory of this machine: a lane of another program, a mounted disk.
///
/// The route's address is the directory, which must exist: a missing one is more often a disk that is not mounted or
/// a slip of the pen than a wish for a new directory. Everything that a lane promises holds: no partial, nothing
/// overwritten, everything on stable storage before the receipt.
public struct LocalCarrier: ProbingCarrier {
    public static let schemes = ["local"]

    public let traits = CarrierTraits(
        strongestReceipt: .stored, largestEnvelope: nil, inFlight: 4, publishesAtomically: true)

    private let reserve: Int64
    private let gate: DeliveryGate

    /// A carrier that leaves `reserve` bytes free wherever it delivers to.
    public init(reserve: Int64 = 0) {
        self.reserve = reserve
        gate = DeliveryGate(limit: traits.inFlight)
    }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        try await gate.pass(to: route) { () throws(CarrierError) in
            try await BlockingCall.run { isCancelled throws(CarrierError) in
                let lane = try openLane(route)
                return try LocalDelivery(envelope: envelope, route: route, lane: lane, isCancelled: isCancelled)
                    .run(reporting: progress)
            }
        }
    }

    /// Returns when the directory exists and a file can be made in it.
    public func probe(_ route: Route) async throws(CarrierError) {
        try await BlockingCall.run { _ throws(CarrierError) in
            let lane = try openLane(route)
            guard let name = ArrivalName("probe") else { return }
            do throws(LaneError) {
                try lane.begin(name).discard()
            } catch {
                throw CarrierError(error, deliveringTo: route)
            }
        }
    }

    private func openLane(_ route: Route) throws(CarrierError) -> Lane {
        guard Self.schemes.contains(route.scheme), !route.address.isEmpty, !route.address.utf8.contains(0) else {
            throw CarrierError(
                .misconfigured, .giveUp, "'\(route.scheme):\(route.address)' is not a route to a local directory",
                remedy: "give the path of a directory")
        }
        do throws(LaneError) {
            return try Lane(existing: FilePath(route.address), reserve: reserve)
        } catch {
            throw CarrierError(error, deliveringTo: route)
        }
    }
}
