internal import Fabric

/// Everything that a hub keeps: channels and frames, messages, leases, blobs, agents, and what it needs to remember of
/// requests.
///
/// On return of a call that changes something, the change is committed on stable storage. On throw nothing was changed,
/// but for `StoreError.unavailable`, where that is not known. Changes of several callers share one transaction, and one
/// that fails does not disturb another. Several stores, also of several processes, over one PostgreSQL database behave as
/// one. All names of agents are given normalised. Nothing blocks a thread of the tasks' pool.
package final class HubStore: Sendable {
    let core: StoreCore

    /// Opens the store, making it, or bringing its schema up to date, where that is needed.
    ///
    /// - Throws: `inUse` when another hub has the file open, `newerSchema`, `misconfigured`, `unavailable`.
    package init(
        _ location: StoreLocation, configuration: StoreConfiguration = StoreConfiguration()
    ) async throws(StoreError) {
        core = try await BlockingCall.run { _ throws(StoreError) in
            try StoreCore(location, configuration: configuration)
        }
    }

    /// Hints at mailboxes in which something can be taken now, from this hub's commits and, with PostgreSQL, from those of
    /// the others. Every call gives a stream of its own, which begins now. Nothing is hinted at before it is committed.
    /// What becomes available because time goes by (a lease ends) is not hinted at: see `LeaseAnswer.nextDue`.
    package var changes: AsyncStream<MailboxChange> { core.hints.stream() }

    /// Lets what is under way end, then closes the store. Calls that come later throw `closed`; streams of changes end.
    package func close() async {
        let core = core
        await BlockingCall.run { _ in core.close() }
    }

    /// Returns when the store answers: a transaction was begun and ended.
    package func probe() async throws(StoreError) {
        try await core.change { change throws(JobFailure) in _ = try change.rows("SELECT version FROM version") }
    }

    /// What it takes of its disk.
    package func storage() async throws(StoreError) -> StorageState {
        let driver = core.driver
        return try await core.ask { inquiry throws(JobFailure) in
            do throws(SQLFailure) { return try driver.storage(inquiry.connection) } catch { throw .sql(error) }
        }
    }
}
