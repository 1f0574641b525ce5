extension Outbox {
    /// Waits until a delivery is in a state that `isEnough` accepts, whoever brings it there.
    ///
    /// - Parameter limit: How long at the most; nil for as long as it takes.
    /// - Returns: How it stands then, or at the limit, or when the task is cancelled.
    public func wait(
        for id: OutboxID, within limit: Duration?, until isEnough: @escaping @Sendable (OutboxEntry) -> Bool
    ) async throws(OutboxError) -> OutboxEntry {
        let rings = try await OffPool.run { () throws(OutboxError) in
            try OutboxError.wrapping { () throws(SystemFailure) in try self.bell.rings() }
        }
        let clock = configuration.clock
        let (wakes, continuation) = AsyncStream.makeStream(of: Bool.self)
        let sources = [
            // A process that dies rings no bell.
            Task { while (try? await clock.sleep(.seconds(5))) != nil { continuation.yield(false) } },
            Task { for await _ in rings { continuation.yield(false) } },
            Task {
                guard let limit, (try? await clock.sleep(limit)) != nil else { return }
                continuation.yield(true)
            },
        ]
        defer { for source in sources { source.cancel() } }
        let result = await withTaskCancellationHandler {
            await look(at: id, at: wakes, until: isEnough)
        } onCancel: {
            continuation.yield(true)
        }
        return try result.get()
    }

    /// Looks again at each wake, and for the last time at one that says so.
    private func look(
        at id: OutboxID, at wakes: AsyncStream<Bool>, until isEnough: @Sendable (OutboxEntry) -> Bool
    ) async -> Result<OutboxEntry, OutboxError> {
        var iterator = wakes.makeAsyncIterator()
        var isOver = false
        do throws(OutboxError) {
            while true {
                let entry = try await OffPool.run { () throws(OutboxError) in try self.entry(id) }
                if isOver || Task.isCancelled || isEnough(entry) { return .success(entry) }
                isOver = await iterator.next() ?? true
            }
        } catch {
            return .failure(error)
        }
    }
}
