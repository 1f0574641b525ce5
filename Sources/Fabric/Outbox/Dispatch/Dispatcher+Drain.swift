internal import Synchronization

/// What a drain did.
public struct DrainSummary: Sendable, Equatable {
    /// How many attempts brought an envelope to its far side.
    public var delivered = 0
    /// How many deliveries were tried and are queued again.
    public var postponed = 0
    /// How many were tried and wait for a person now.
    public var stopped = 0
}

extension Dispatcher {
    /// Tries everything that is due, the longest due first.
    ///
    /// A delivery for which the outbox itself fails does not keep the others from being tried. A drain that watches reports
    /// it as `trouble` and goes on; its lease ends by itself, and then it is tried again. Another throws the first such
    /// failure at its end.
    ///
    /// Several drains, in one process or in many, share the work; each delivery is with one of them at a time.
    ///
    /// - Parameters:
    ///   - jobs: How many deliveries are tried at once at the most.
    ///   - watching: Whether to go on when nothing is due, until the task is cancelled: woken by what is put into the
    ///     outbox, and by what becomes due. If false, returns once nothing is.
    public func drain(jobs: Int, watching: Bool) async throws(OutboxError) -> DrainSummary {
        let outbox = outbox
        _ = try await OffPool.run { () throws(OutboxError) in try outbox.sweepIfNeeded() }
        let (events, continuation) = AsyncStream.makeStream(of: DrainEvent.self)
        let bell = try await OffPool.run { () throws(OutboxError) -> AsyncStream<Void>? in
            guard watching else { return nil }
            return try OutboxError.wrapping { () throws(SystemFailure) in try outbox.bell.rings() }
        }
        let drain = Drain(self, jobs: max(1, jobs), watching: watching, events: continuation)
        let result = await withTaskCancellationHandler {
            await withTaskGroup(of: Void.self) { group in
                if let bell { group.addTask { for await _ in bell { continuation.yield(.ring) } } }
                let result = await drain.run(events, in: &group)
                group.cancelAll()
                return result
            }
        } onCancel: {
            continuation.yield(.stop)
        }
        // By now what was under way when it was stopped has ended too.
        try result.get()
        return drain.tally.summary.withLock { $0 }
    }
}

/// What a drain waits for.
enum DrainEvent: Sendable {
    /// Something in the outbox changed.
    case ring
    /// The time has come at which something becomes due.
    case time
    /// A delivery is over; with what went wrong in the outbox itself, if something did.
    case finished(OutboxError?)
    /// Enough.
    case stop
}

/// The loop of one drain. It never waits for anything but the next event.
private struct Drain: Sendable {
    private let dispatcher: Dispatcher
    private let jobs: Int
    private let isWatching: Bool
    private let events: AsyncStream<DrainEvent>.Continuation
    /// What was done so far, written by the deliveries themselves: those that a stop finds under way count as well.
    let tally = Tally()

    final class Tally: Sendable {
        let summary = Mutex(DrainSummary())
    }

    /// A process that dies rings no bell, so a drain that watches looks by itself now and then.
    private static let longestSleep: Int64 = 15_000

    init(_ dispatcher: Dispatcher, jobs: Int, watching: Bool, events: AsyncStream<DrainEvent>.Continuation) {
        self.dispatcher = dispatcher
        self.jobs = jobs
        isWatching = watching
        self.events = events
    }

    func run(
        _ stream: AsyncStream<DrainEvent>, in group: inout TaskGroup<Void>
    ) async -> Result<Void, OutboxError> {
        var running = 0
        var alarm: Task<Void, Never>?
        defer { alarm?.cancel() }
        var iterator = stream.makeAsyncIterator()
        var failure: OutboxError?
        while true {
            var next: Int64?
            do throws(OutboxError) {
                next = try await start(&running, in: &group)
            } catch {
                // Without an index nothing can be claimed, so a drain that does not watch ends once nothing is under way.
                failure = failure ?? error
                dispatcher.report(.trouble(error))
            }
            if running == 0, !isWatching { return failure.map { .failure($0) } ?? .success(()) }
            alarm?.cancel()
            alarm = running < jobs && isWatching ? wake(at: next) : nil
            switch await iterator.next() {
            case .finished(let error)?:
                running -= 1
                if let error {
                    failure = failure ?? error
                    dispatcher.report(.trouble(error))
                }
            case .ring?, .time?: break
            case .stop?, nil: return .success(())
            }
        }
    }

    /// Starts what is due, as far as there is room; says when the next becomes due.
    private func start(_ running: inout Int, in group: inout TaskGroup<Void>) async throws(OutboxError) -> Int64? {
        let outbox = dispatcher.outbox
        while running < jobs {
            let result = try await OffPool.run { () throws(OutboxError) in try outbox.claimNext() }
            switch result {
            case .nothing(let next): return next
            case .settled: continue
            case .unreadable(let id, let reason):
                dispatcher.report(.trouble(.index(code: 11, message: "'\(id)' is quarantined: \(reason)")))
            case .claimed(let claim):
                running += 1
                let (dispatcher, events, tally) = (dispatcher, events, tally)
                group.addTask {
                    do throws(OutboxError) {
                        let run = DeliveryRun(dispatcher, claim, isUrgent: false, progress: .none)
                        let outcome = try await run.run()
                        tally.summary.withLock { $0.count(outcome) }
                        events.yield(.finished(nil))
                    } catch {
                        events.yield(.finished(error))
                    }
                }
            }
        }
        return nil
    }

    private func wake(at time: Int64?) -> Task<Void, Never> {
        let (clock, events) = (dispatcher.outbox.configuration.clock, events)
        let pause = min(Self.longestSleep, max(1, (time ?? .max) - min(dispatcher.outbox.now, time ?? .max)))
        return Task {
            guard (try? await clock.sleep(.milliseconds(pause))) != nil else { return }
            events.yield(.time)
        }
    }
}

extension DrainSummary {
    mutating func count(_ outcome: DispatchOutcome) {
        if outcome.receipt != nil {
            delivered += 1
        } else if outcome.entry.state == .queued {
            postponed += 1
        } else if outcome.entry.state == .held || outcome.entry.state == .quarantined {
            stopped += 1
        }
    }
}
