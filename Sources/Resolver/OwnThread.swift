internal import Dispatch

/// Runs calls that block on a thread of their own, so that no thread of the tasks' pool waits for a disk.
enum OwnThread {
    static func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Value, Failure>, Never>) in
            // A queue of its own gets a thread of its own, however many others are blocked.
            DispatchQueue(label: "resolver.blocking").async {
                continuation.resume(returning: Result { () throws(Failure) in try body() })
            }
        }
        return try result.get()
    }
}
