internal import Dispatch

/// Runs calls that block on threads of their own, so that no thread of the tasks' pool waits for a disk or a lock.
enum OffPool {
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(OutboxError) -> Value
    ) async throws(OutboxError) -> Value {
        typealias Waiter = CheckedContinuation<Result<Value, OutboxError>, Never>
        let result = await withCheckedContinuation { (waiter: Waiter) in
            // A queue of its own gets a thread of its own, however many others are blocked.
            DispatchQueue(label: "outbox").async {
                waiter.resume(returning: Result { () throws(OutboxError) in try body() })
            }
        }
        return try result.get()
    }
}
