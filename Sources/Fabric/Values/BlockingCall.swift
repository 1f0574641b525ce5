internal import Dispatch
internal import Synchronization

/// Calls that block, done on a thread of their own, so that no thread of the tasks' pool ever waits for a disk.
public enum BlockingCall {
    /// Does `body` and returns what it returned.
    ///
    /// - Parameter body: Given a question that it must ask between steps: whether the calling task was cancelled.
    public static func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable (_ isCancelled: @escaping @Sendable () -> Bool) throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let flag = CancellationFlag()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, Failure>, Never>) in
                // A queue of its own gets a thread of its own, however many others are blocked.
                DispatchQueue(label: "tibet.blocking").async {
                    let result = Result { () throws(Failure) in try body { flag.isSet } }
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
