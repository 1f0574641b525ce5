internal import Fabric
internal import HTTPTypes
internal import Logging
internal import NIOCore

/// What everybody who answers requests has in common.
struct HubCore: Sendable {
    let configuration: HubConfiguration
    let store: HubStore
    let access: Access
    let bell: Bell
    let room: StoreRoom
    let channels: ChannelBook
    let bandwidth: BandwidthBook
    let metrics: Metrics
    let logger: Logger
    let startedAt: Timestamp
    let started: ContinuousClock.Instant

    var limits: HubLimits { configuration.limits }

    /// The keys of a status answer that tell a client of ours what it can use.
    var features: JSONObject {
        [
            "features": ["lease", "blobs", "wait", "events", "paging"],
            "largest_message": .integer(limits.largestMessage), "hub": .text(configuration.version),
        ]
    }

    /// The idempotency key of a request by `agent`; nil where it has none.
    ///
    /// - Throws: 422 for one that is too long.
    func key(of exchange: Exchange, by agent: String) throws(HubFault) -> IdempotencyKey? {
        guard let text = exchange.header("Idempotency-Key") else { return nil }
        guard (1...128).contains(text.utf8.count) else {
            throw .invalid(
                "header", "Idempotency-Key", message: "Input should have from 1 to 128 bytes", input: .text(text))
        }
        return IdempotencyKey(agent: agent, text: text)
    }

    /// Asks `attempt` again each time that `mailbox` is rung, until it finds something, the time is over, the other side
    /// has gone, or the hub is about to stop; then returns what was found last.
    ///
    /// - Parameter attempt: What it finds, whether that is anything, and when it is worth asking again in any case.
    func poll<Found: Sendable>(
        _ exchange: Exchange, at mailbox: MailboxName, for seconds: Double,
        _ attempt: () async throws(HubFault) -> (found: Found, isAny: Bool, due: Timestamp?)
    ) async throws(HubFault) -> Found {
        let first = try await attempt()
        guard seconds > 0, !first.isAny else { return first.found }
        let waiter = Waiter()
        bell.add(waiter, at: mailbox)
        exchange.watchDeparture { waiter.end() }
        let deadline = waiter.limit(.seconds(seconds), on: exchange.channel.eventLoop)
        defer {
            deadline.cancel()
            exchange.watchDeparture(nil)
            bell.remove(waiter, at: mailbox)
        }
        // What came between the first look and the first ring.
        waiter.ring()
        var last = first.found
        while await waiter.next() == .rung {
            let next = try await attempt()
            last = next.found
            if next.isAny { break }
            guard let due = next.due else { continue }
            waiter.ring(in: due.distance(from: .now()), on: exchange.channel.eventLoop)
        }
        return last
    }
}

extension Timestamp {
    /// How long after `other` this is; negative where it is before.
    func distance(from other: Timestamp) -> Duration {
        .seconds(seconds - other.seconds) + .nanoseconds(Int64(nanoseconds) - Int64(other.nanoseconds))
    }
}
