internal import NIOPosix

/// Runs calls that block on threads made for it, so that no event loop and no task waits for a disk.
struct BlockingWork: Sendable {
    private let pool: NIOThreadPool

    /// Work for `pool`, which must be running.
    init(on pool: NIOThreadPool) { self.pool = pool }

    /// Work for the threads that the whole process shares.
    static let shared = BlockingWork(on: .singleton)

    /// Does `body` on a thread of the pool. Cancelling the task does not stop it: what was begun is finished.
    func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        typealias Outcome = Result<Value, Failure>
        let result = await withCheckedContinuation { (continuation: CheckedContinuation<Outcome, Never>) in
            pool.submit { _ in
                // Done even when the pool is about to stop: somebody waits for it.
                continuation.resume(returning: Outcome { () throws(Failure) in try body() })
            }
        }
        return try result.get()
    }
}
