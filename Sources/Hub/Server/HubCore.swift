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

    /// The idempotency key of a request by `agent`; nil where it has none, and for senders that share their names with
    /// others, whose keys could be used by others first.
    ///
    /// - Throws: 422 for one that is too long.
    func key(
        of exchange: Exchange, by agent: String, _ sender: Access.Sender
    ) throws(HubFault) -> IdempotencyKey? {
        guard !sender.isStranger, let text = exchange.header("Idempotency-Key") else { return nil }
        guard (1...128).contains(text.utf8.count) else {
            throw .invalid(
                "header", "Idempotency-Key", message: "Input should have from 1 to 128 bytes", input: .text(text))
        }
        return IdempotencyKey(agent: agent, text: text)
    }

    /// Asks `attempt` again each time that `mailbox` is rung, until it finds something, the time is over, the other side
    /// has gone, or the hub is about to stop; then returns what was found last.
    ///
    /// - Parameters:
    ///   - wish: For those who take what they find: what they would take. See `Bell.add`.
    ///   - attempt: Looks once.
    func poll<Found: Sendable>(
        _ exchange: Exchange, at mailbox: MailboxName, taking wish: String? = nil, for seconds: Double,
        _ attempt: () async throws(HubFault) -> Look<Found>
    ) async throws(HubFault) -> Found {
        let eventLoop = exchange.channel.eventLoop
        func due(_ look: Look<Found>) {
            if let due = look.due { bell.ring(mailbox, at: due, on: eventLoop) }
        }
        guard seconds > 0 else {
            let look = try await attempt()
            due(look)
            return look.found
        }
        let waiter = Waiter()
        var leavesSome = true
        // Rung from before the first look on, so that nothing comes between the two unnoticed.
        bell.add(waiter, at: mailbox, taking: wish)
        defer { bell.remove(waiter, at: mailbox, leavesSome: leavesSome) }
        var look = try await attempt()
        leavesSome = look.leavesSome
        due(look)
        if look.isAny { return look.found }
        exchange.watchDeparture { waiter.end() }
        let deadline = waiter.limit(.seconds(seconds), on: eventLoop)
        defer {
            deadline.cancel()
            exchange.watchDeparture(nil)
        }
        while await waiter.next() == .rung {
            leavesSome = true
            look = try await attempt()
            leavesSome = look.leavesSome
            due(look)
            if look.isAny { break }
        }
        return look.found
    }

    /// What one look into a mailbox found.
    struct Look<Found: Sendable>: Sendable {
        let found: Found
        /// Whether that is anything.
        let isAny: Bool
        /// Whether there may be more of it.
        var leavesSome = false
        /// When it is worth looking again in any case, whoever does: what is held now may be there again.
        let due: Timestamp?
    }
}
