package import Fabric
internal import HubClient
internal import Synchronization

/// Gives out the messages of one mailbox, one after the other, until each is settled.
///
/// At our hub each is leased: it is held for one reader at a time, and offered again when that one dies. Other servers
/// know only how to mark everything as read, so there a message is remembered in a set of this machine once it was dealt
/// with, and everything is marked as read when there is nothing else (`ipoll.md`, section 4).
package final class PollMailbox: Sendable {
    /// What to give out, and how.
    package struct Selection: Sendable {
        /// Messages of which kinds; others stay where they are, for others.
        package var kinds: Set<PollKind>
        /// Messages of which types; nil for all.
        package var types: Set<PollType>?
        /// For how long what is given out is held at our hub, until it is settled or extended. 60 seconds.
        package var lease: Duration = .seconds(60)
        /// For how long our hub is asked to wait for a message, time after time. 50 seconds.
        package var wait: Duration = .seconds(50)
        /// How often a server that cannot wait is asked. 2 seconds.
        package var interval: Duration = .seconds(2)

        /// Messages of `kinds`, and of `types` where they are named.
        package init(_ kinds: Set<PollKind>, types: Set<PollType>? = nil) {
            self.kinds = kinds
            self.types = types
        }

        func has(_ message: PollMessage) -> Bool {
            kinds.contains(message.kind) && (types?.contains(message.type) ?? true)
        }
    }

    /// Whose messages, and where.
    package let client: IPollClient

    private let selection: Selection
    private let seen: SeenPolls
    private let unleased = Mutex(UnleasedPolls())

    /// The messages that `client` can read.
    ///
    /// - Parameter seen: What was dealt with, for servers that hold nothing.
    package init(_ client: IPollClient, _ selection: Selection, seen: SeenPolls) {
        self.client = client
        self.selection = selection
        self.seen = seen
    }

    /// Waits for the next message, however long that takes. On throw nothing is held.
    package func next() async throws(CarrierError) -> HeldPoll {
        while true {
            let isHub = try await client.features().isHub
            if isHub, let poll = try await leaseOne() { return poll }
            if !isHub, let poll = try await pullOne() { return poll }
            if !isHub || selection.wait <= .zero { try await pause() }
        }
    }

    private func pause() async throws(CarrierError) {
        do {
            try await Task.sleep(for: selection.interval)
        } catch {
            throw CarrierError(.cancelled, .retry(after: nil), "waiting for messages was cancelled")
        }
    }

    // MARK: - At our hub

    private func leaseOne() async throws(CarrierError) -> HeldPoll? {
        let hub = client.hub("cannot read the mailbox of '\(client.agent)'")
        var query = HubLeaseQuery(agent: client.agent)
        query.lease = selection.lease
        query.wait = selection.wait
        query.filters["kinds"] = .texts(selection.kinds.map(\.rawValue).sorted())
        if let types = selection.types { query.filters["poll_types"] = .texts(types.map(\.description).sorted()) }
        for lease in try await hub.lease(from: .ipoll, query) {
            let agent = client.agent
            let tell: @Sendable (Settlement) async throws(SettlementError) -> Void = {
                settlement throws(SettlementError) in
                try await hub.settle(lease.id, in: .ipoll, of: agent, settlement)
            }
            guard let message = PollMessage(lease.item) else {
                // Nobody could read it, so that it must not come first for ever.
                try? await tell(.refuse("it is no message"))
                continue
            }
            return HeldPoll(message, lease: lease.duration, hubLease: lease, tell: tell)
        }
        return nil
    }

    // MARK: - At other servers

    private func pullOne() async throws(CarrierError) -> HeldPoll? {
        if let poll = holdNext() { return poll }
        var polls = try await client.waiting().polls
        if !polls.isEmpty, await remembered(polls).count == polls.count {
            // What came in between is new, and is not given again once it was marked.
            polls = try await client.pull(markRead: true).polls
        }
        let old = await remembered(polls)
        let fresh = polls.filter { selection.has($0) && !old.contains($0.id) }.map(\.withoutProof)
        unleased.withLock { $0.add(fresh, at: .now) }
        return holdNext()
    }

    private func remembered(_ polls: [PollMessage]) async -> Set<String> {
        let seen = seen
        return await BlockingCall.run { _ in Set(polls.map(\.id).filter { seen.contains($0) }) }
    }

    private func holdNext() -> HeldPoll? {
        guard let (message, ticket) = unleased.withLock({ $0.take(at: .now, for: selection.lease) }) else { return nil }
        return HeldPoll(message, lease: selection.lease) {
            [self] settlement throws(SettlementError) in
            try await settle(message.id, ticket, settlement)
        }
    }

    private func settle(
        _ id: String, _ ticket: UnleasedPolls.Ticket, _ settlement: Settlement
    ) async throws(SettlementError) {
        guard unleased.withLock({ $0.isHeld(id, ticket, at: .now) }) else { throw .leaseLost }
        switch settlement {
        case .extend(let duration): unleased.withLock { $0.hold(id, ticket, until: .now + duration) }
        case .release(let patience): unleased.withLock { $0.giveBack(id, ticket, due: .now + patience) }
        case .commit, .refuse:
            let seen = seen
            do throws(SystemFailure) {
                try await BlockingCall.run { _ throws(SystemFailure) in try seen.remember(id) }
            } catch {
                throw .notTold(CarrierError(.full, .retry(after: nil), error.explanation, remedy: error.remedy))
            }
            unleased.withLock { $0.remove(id) }
        }
    }
}
