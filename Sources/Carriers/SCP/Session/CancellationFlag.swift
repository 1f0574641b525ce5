internal import Dispatch
internal import Fabric
internal import Synchronization

/// Set once, from any thread.
final class CancellationFlag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    func set() { value.store(true, ordering: .relaxed) }
}

/// Does `body` on a thread that may block, so that no thread of the tasks' pool ever waits for a network.
///
/// `body` is given a flag that it must look at between steps: whether the calling task was cancelled.
func blocking<Value: Sendable>(
    _ body: @escaping @Sendable (CancellationFlag) throws(CarrierError) -> Value
) async throws(CarrierError) -> Value {
    let flag = CancellationFlag()
    let result = await withTaskCancellationHandler {
        await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, CarrierError>, Never>) in
            // A queue of its own gets a thread of its own, however many others are blocked.
            DispatchQueue(label: "carrier.scp").async {
                continuation.resume(returning: Result { () throws(CarrierError) in try body(flag) })
            }
        }
    } onCancel: {
        flag.set()
    }
    return try result.get()
}
