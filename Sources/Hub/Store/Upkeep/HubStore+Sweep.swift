extension HubStore {
    /// Does a bounded part of what is due: removes what is older than its retention, what nothing refers to, and what
    /// nobody needs any more. Call it again while `hasMore`.
    ///
    /// - Parameter limit: how many rows of each kind, 1 or more. Of blobs, how many MiB it removes at once is bounded too.
    package func sweep(limit: Int = 500) async throws(StoreError) -> SweepResult {
        let sweep = Sweep(core: core, limit: max(1, limit))
        let core = core
        var result = SweepResult()
        // Each in a transaction of its own, so that what others want to change does not wait for all of it.
        for step in Sweep.Step.allCases {
            let part = try await core.change { change throws(JobFailure) in try sweep.remove(step, change) }
            result.add(part)
        }
        return result
    }
}

extension SweepResult {
    mutating func add(_ other: SweepResult) {
        items += other.items
        channels += other.channels
        blobs += other.blobs
        notes += other.notes
        hasMore = hasMore || other.hasMore
    }
}
