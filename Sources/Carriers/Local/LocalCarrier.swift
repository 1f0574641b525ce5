internal import Dispatch
public import Fabric
internal import Synchronization
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

    /// A carrier that leaves `reserve` bytes free wherever it delivers to.
    public init(reserve: Int64 = 0) { self.reserve = reserve }

    public func deliver(
        _ envelope: SealedEnvelope, along route: Route, reporting progress: ProgressSink
    ) async throws(CarrierError) -> DeliveryReceipt {
        try await blocking { isCancelled throws(CarrierError) in
            let lane = try openLane(route)
            return try LocalDelivery(envelope: envelope, route: route, lane: lane, isCancelled: isCancelled)
                .run(reporting: progress)
        }
    }

    /// Returns when the directory exists and a file can be made in it.
    public func probe(_ route: Route) async throws(CarrierError) {
        try await blocking { _ throws(CarrierError) in
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

    /// Does `body` on a thread that may block, so that no thread of the tasks' pool ever waits for a disk.
    ///
    /// `body` is given a question that it must ask between steps: whether the calling task was cancelled.
    private func blocking<Value: Sendable>(
        _ body: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws(CarrierError) -> Value
    ) async throws(CarrierError) -> Value {
        let flag = CancellationFlag()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, CarrierError>, Never>) in
                // A queue of its own gets a thread of its own, however many others are blocked.
                DispatchQueue(label: "carrier.local").async {
                    let result = Result { () throws(CarrierError) in try body { flag.isSet } }
                    continuation.resume(returning: result)
                }
            }
        } onCancel: {
            flag.set()
        }
        return try result.get()
    }
}

/// Set once, from any thread.
private final class CancellationFlag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    func set() { value.store(true, ordering: .relaxed) }
}
