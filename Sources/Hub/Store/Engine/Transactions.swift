internal import Fabric

/// Brings changes into transactions, and transactions onto stable storage. Blocks.
final class Transactions {
    private let driver: any SQLDriver
    private let clock: @Sendable () -> Timestamp
    private let announce: @Sendable (Set<MailboxName>) -> Void
    /// Which row of each total this hub adds to.
    private let slot = Int64.random(in: 0..<16)
    private var connection: (any SQLConnection)?

    /// How often a change is tried alone when others are in its way.
    private static let attempts = 5

    init(
        driver: any SQLDriver, connection: any SQLConnection, clock: @escaping @Sendable () -> Timestamp,
        announce: @escaping @Sendable (Set<MailboxName>) -> Void
    ) {
        self.driver = driver
        self.connection = connection
        self.clock = clock
        self.announce = announce
    }

    func close() {
        connection?.close()
        connection = nil
    }

    /// Does the jobs, and tells each of them.
    func run(_ jobs: [Writer.Job]) {
        switch attempt(jobs, .shared) {
        case .done: return
        case .unknown(let failure):
            for job in jobs { job.finish(.sql(failure)) }
        case .undone:
            for job in jobs { runAlone(job) }
        }
    }

    private func runAlone(_ job: Writer.Job) {
        var last = SQLFailure.disconnected("it was not tried")
        for _ in 0..<Self.attempts {
            switch attempt([job], .alone) {
            case .done: return
            case .unknown(let failure):
                job.finish(.sql(failure))
                return
            case .undone(.sql(let failure)):
                last = failure
                if case .refused = failure { break } else { continue }
            case .undone(let failure):
                job.finish(failure)
                return
            }
            break
        }
        job.finish(.sql(last))
    }

    private enum Outcome {
        /// Every job was told.
        case done
        /// Nothing was changed, and nobody was told.
        case undone(JobFailure)
        /// The connection broke while the transaction was being committed.
        case unknown(SQLFailure)
    }

    /// Does the jobs in one transaction.
    ///
    /// A job that fails before it has changed anything fails alone. After it has, the transaction is undone, and so are
    /// the others: each is then done alone. So no savepoints are needed, which cost more than all the rest.
    private func attempt(_ jobs: [Writer.Job], _ access: SQLAccess) -> Outcome {
        var isCommitting = false
        do throws(JobFailure) {
            let connection = try usable()
            var sums = Sums()
            var succeeded: [Writer.Job] = []
            var failed: [(Writer.Job, JobFailure)] = []
            try wrapping { () throws(SQLFailure) in try connection.begin(access) }
            for job in jobs {
                let change = Change(
                    connection, dialect: driver.dialect, now: clock().microseconds, earlier: sums)
                do throws(JobFailure) {
                    try job.run(change)
                    sums.add(change.sums)
                    succeeded.append(job)
                } catch {
                    guard case .store = error, !change.hasChanged else { throw error }
                    failed.append((job, error))
                }
            }
            let last = sums.statements(slot: slot) + driver.dialect.announcing(sums.hints)
            if !last.isEmpty { try wrapping { () throws(SQLFailure) in _ = try connection.execute(last) } }
            isCommitting = true
            try wrapping { () throws(SQLFailure) in try connection.commit() }
            for job in succeeded { job.finish(nil) }
            for (job, failure) in failed { job.finish(failure) }
            if !sums.hints.isEmpty { announce(sums.hints) }
            return .done
        } catch {
            connection?.rollBack()
            if connection?.isUsable == false { connection = nil }
            if isCommitting, case .sql(let failure) = error, case .disconnected = failure { return .unknown(failure) }
            return .undone(error)
        }
    }

    private func usable() throws(JobFailure) -> any SQLConnection {
        if let connection, connection.isUsable { return connection }
        connection = nil
        let fresh = try wrapping { () throws(SQLFailure) in try driver.connect(writing: true) }
        connection = fresh
        return fresh
    }

    private func wrapping<Value>(_ body: () throws(SQLFailure) -> Value) throws(JobFailure) -> Value {
        do throws(SQLFailure) { return try body() } catch { throw .sql(error) }
    }
}
