internal import Dispatch
internal import Synchronization

/// Changes the store, many callers' changes in one transaction.
///
/// While one transaction is committed, the changes that come wait for the next. A caller is answered after the commit
/// that holds its change. On a thread of its own.
final class Writer: Sendable {
    /// One caller's change.
    struct Job: Sendable {
        /// Does it. Can be done again after the transaction was undone.
        let run: @Sendable (Change) throws(JobFailure) -> Void
        /// Tells the caller: nil once it is committed.
        let finish: @Sendable (JobFailure?) -> Void
    }

    private struct State {
        var waiting: [Job] = []
        var isDraining = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "hub.writer")
    private let session: WriterSession
    private let batch: Int

    init(_ session: WriterSession, batch: Int) {
        self.session = session
        self.batch = max(1, batch)
    }

    /// Takes a job; false when it is closed.
    func submit(_ job: Job) -> Bool {
        let (isTaken, begins) = state.withLock { state in
            guard !state.isClosed else { return (false, false) }
            state.waiting.append(job)
            defer { state.isDraining = true }
            return (true, !state.isDraining)
        }
        if begins { queue.async { self.drain() } }
        return isTaken
    }

    private func drain() {
        while true {
            let jobs = state.withLock { state in
                let jobs = Array(state.waiting.prefix(batch))
                state.waiting.removeFirst(jobs.count)
                if jobs.isEmpty { state.isDraining = false }
                return jobs
            }
            guard !jobs.isEmpty else { return }
            session.access { $0.run(jobs) }
        }
    }

    /// Takes no more jobs, does those that it has, and closes its connection. Blocks until then.
    func close() {
        state.withLock { $0.isClosed = true }
        queue.sync { session.access { $0.close() } }
    }
}

/// The writer's connection, which only its own thread touches.
final class WriterSession: @unchecked Sendable {
    // A connection belongs to a thread, here to that of the writer's queue: `access` is called on it alone.
    private let transactions: Transactions

    init(_ transactions: Transactions) { self.transactions = transactions }

    func access(_ body: (Transactions) -> Void) { body(transactions) }
}
