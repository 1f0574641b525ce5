package import Fabric
package import SystemPackage

/// Everything that a hub keeps: channels and frames, messages, leases, blobs, agents, and what it needs to remember of
/// requests.
///
/// On return of a call that changes something, the change is committed on stable storage. On throw nothing was changed,
/// but for `StoreError.unavailable`, where that is not known. Changes of several callers share one transaction, and one
/// that fails does not disturb another. Several stores, also of several processes, over one PostgreSQL database behave as
/// one. All names of agents are given normalised. Nothing blocks a thread of the tasks' pool.
package final class HubStore: Sendable {
    /// Opens the store, making it, or bringing its schema up to date, where that is needed.
    ///
    /// - Throws: `inUse` when another hub has the file open, `newerSchema`, `misconfigured`, `unavailable`.
    package init(_ location: StoreLocation, configuration: StoreConfiguration = StoreConfiguration())
        async throws(StoreError)
    {}

    /// Hints at mailboxes in which something can be taken now, from this hub's commits and, with PostgreSQL, from those of
    /// the others. Every call gives a stream of its own, which begins now. Nothing is hinted at before it is committed.
    package var changes: AsyncStream<MailboxChange> { AsyncStream { _ in } }

    /// Lets what is under way end, then closes the store. Calls that come later throw `closed`; streams of changes end.
    package func close() async {}

    // MARK: Channels and frames

    /// Opens a channel.
    /// - Throws: `tooManyChannels`, `unstorable`, `keyReused`.
    package func open(_ draft: ChannelDraft, key: IdempotencyKey? = nil) async throws(StoreError) -> OpenedChannel {
        throw StoreError.closed
    }

    /// Appends a frame to an open channel.
    /// - Throws: `unknownChannel`, `channelClosed`, `blobIncomplete`, `unstorable`, `keyReused`.
    package func append(_ draft: FrameDraft, key: IdempotencyKey? = nil) async throws(StoreError) -> AppendedFrame {
        throw StoreError.closed
    }

    /// Closes a channel, again if it is closed, with this reason and time.
    /// - Parameter consuming: whether its receiver closes it: the frames that `view(…, marks: true)` has shown are then
    ///   committed.
    /// - Returns: the channel as it is then.
    /// - Throws: `unknownChannel`, `unstorable`.
    package func close(channel id: String, reason: String, consuming: Bool) async throws(StoreError) -> Channel {
        throw StoreError.closed
    }

    /// The channel; nil if there is none.
    package func channel(_ id: String) async throws(StoreError) -> Channel? { throw StoreError.closed }

    /// Channels in the order of opening.
    package func channels(_ query: ChannelQuery) async throws(StoreError) -> [Channel] { throw StoreError.closed }

    /// A channel as the peers' readers see it: `recent` are up to `limit` of the oldest frames that wait; where none
    /// waits, the newest ones. Frames under a lease are not shown. Nil if there is no such channel.
    /// - Parameter marks: whether its receiver asks: the waiting frames that are shown are what closing consumes.
    package func view(channel id: String, limit: Int = 10, marks: Bool) async throws(StoreError) -> ChannelView? {
        throw StoreError.closed
    }

    /// Frames of a channel after this number, whatever became of them, in their order.
    /// - Throws: `unknownChannel`.
    package func frames(of channel: String, after sequence: Int64 = -1, limit: Int) async throws(StoreError)
        -> FramePage
    { throw StoreError.closed }

    // MARK: Messages

    /// Stores a message for its recipient.
    /// - Throws: `quotaReached`, `blobIncomplete`, `unstorable`, `keyReused`.
    package func push(_ draft: MessageDraft, key: IdempotencyKey? = nil) async throws(StoreError) -> PushedMessage {
        throw StoreError.closed
    }

    /// Waiting messages of a mailbox, oldest first.
    /// - Parameter marksRead: whether those that are given are read with that.
    /// - Parameter after: only those after the message with this id, for paging; an unknown id is like none.
    package func pull(
        agent: String, filter: MessageFilter = .all, after: String? = nil, limit: Int, marksRead: Bool
    ) async throws(StoreError) -> [Message] { throw StoreError.closed }

    /// Marks a message as responded to, which settles it unless it is settled, and stores the answer; both or none.
    /// - Throws: `unknownMessage` unless it is for `agent`; those of `push`.
    package func respond(
        to id: String, by agent: String, with answer: MessageDraft
    ) async throws(StoreError) -> PushedMessage { throw StoreError.closed }

    /// The message; nil if there is none.
    package func message(_ id: String) async throws(StoreError) -> Message? { throw StoreError.closed }

    /// Messages of the past, newest first.
    package func history(_ query: HistoryQuery) async throws(StoreError) -> [Message] { throw StoreError.closed }

    // MARK: Leases

    /// Takes the oldest waiting frames of this intent (nil: of any) for one consumer. Does not wait.
    package func leaseFrames(
        _ request: LeaseRequest, intent: String?
    ) async throws(StoreError) -> LeaseAnswer<Frame> { throw StoreError.closed }

    /// Takes the oldest waiting messages for one consumer. Does not wait.
    package func leaseMessages(
        _ request: LeaseRequest, filter: MessageFilter = .all
    ) async throws(StoreError) -> LeaseAnswer<Message> { throw StoreError.closed }

    /// Settles what is held under a lease of `agent`'s mailbox.
    /// - Throws: `unknownLease`, `leaseLost`, `settledOtherwise`, `unstorable`.
    package func settle(lease id: String, agent: String, _ settlement: Settlement) async throws(StoreError) -> Settled {
        throw StoreError.closed
    }

    /// Settles many alike, in one transaction; each succeeds or fails for itself. The answers are in the order of `leases`.
    package func settle(
        leases: [String], agent: String, _ settlement: Settlement
    ) async throws(StoreError) -> [Result<Settled, StoreError>] { throw StoreError.closed }

    /// Waiting frames or messages, oldest first, without taking them: for hints.
    package func waitingFrames(
        agent: String, intent: String?, after position: Int64 = 0, limit: Int
    ) async throws(StoreError) -> [Frame] { throw StoreError.closed }

    package func waitingMessages(
        agent: String, filter: MessageFilter = .all, after position: Int64 = 0, limit: Int
    ) async throws(StoreError) -> [Message] { throw StoreError.closed }

    // MARK: Blobs

    /// Begins a blob, or finds the one that this agent has begun for this receiver with this digest and size.
    /// - Throws: `mailboxFull`, `unstorable`.
    package func createBlob(_ draft: BlobDraft) async throws(StoreError) -> (blob: Blob, isNew: Bool) {
        throw StoreError.closed
    }

    /// The blob; nil if there is none.
    package func blob(_ id: String) async throws(StoreError) -> Blob? { throw StoreError.closed }

    /// Appends a piece, of at most `StoreConfiguration.blobPiece` bytes; the last one completes the blob. An empty piece
    /// at the end completes a blob whose last piece came just before a crash.
    /// - Throws: `unknownBlob`, `wrongOffset`, `beyondEnd`, `digestMismatch` (the blob is gone then), `unstorable` for a
    ///   piece that is too large.
    package func append(
        _ piece: [UInt8], to blob: String, at offset: Int64
    ) async throws(StoreError) -> Blob { throw StoreError.closed }

    /// Bytes of a blob from `offset`: one or more, as many as are kept together, at most `limit`; none at its end.
    /// - Throws: `unknownBlob`.
    package func read(blob id: String, from offset: Int64, limit: Int) async throws(StoreError) -> [UInt8] {
        throw StoreError.closed
    }

    // MARK: Agents

    /// Registers a name, or replaces the record of a name that has the same key.
    /// - Throws: `nameTaken`, `unstorable`.
    package func register(_ record: AgentRecord) async throws(StoreError) -> Registration { throw StoreError.closed }

    /// Replaces an agent's key by its successor.
    /// - Throws: `unknownAgent`, `keyChanged` when its key is not `old`.
    package func rotate(
        agent: String, from old: PublicKey, to new: PublicKey
    ) async throws(StoreError) -> AgentRecord { throw StoreError.closed }

    /// Suspends an agent, or ends that.
    /// - Throws: `unknownAgent`.
    package func setSuspended(
        _ isSuspended: Bool, agent: String, reason: String? = nil
    ) async throws(StoreError) -> AgentRecord { throw StoreError.closed }

    /// Sets an agent's tier and trust.
    /// - Throws: `unknownAgent`.
    package func grant(agent: String, tier: Tier, trustScore: Double) async throws(StoreError) -> AgentRecord {
        throw StoreError.closed
    }

    /// The record; nil if nobody registered the name.
    package func agent(_ name: String) async throws(StoreError) -> AgentRecord? { throw StoreError.closed }

    /// The agent whose present key this is; the first in the order of names where several have it.
    package func agent(withKey key: PublicKey) async throws(StoreError) -> AgentRecord? { throw StoreError.closed }

    /// Records in the order of names, after this name.
    package func agents(after name: String = "", limit: Int) async throws(StoreError) -> [AgentRecord] {
        throw StoreError.closed
    }

    /// Records in the order of names that have, for every word of `text`, a word that begins so in name, capabilities,
    /// owner or description.
    package func searchAgents(_ text: String, limit: Int) async throws(StoreError) -> [AgentRecord] {
        throw StoreError.closed
    }

    // MARK: Requests

    /// Remembers a nonce until `expiry`.
    /// - Returns: whether it is new; false when this agent has used it before and that has not expired.
    package func isFirstUse(ofNonce nonce: String, by agent: String, until expiry: Timestamp) async throws(StoreError)
        -> Bool
    { throw StoreError.closed }

    /// What the agent has sent in the clock hour of `time`.
    package func usage(of agent: String, at time: Timestamp) async throws(StoreError) -> HourlyUsage {
        throw StoreError.closed
    }

    /// What a mailbox holds.
    package func load(of mailbox: MailboxName) async throws(StoreError) -> MailboxLoad { throw StoreError.closed }

    // MARK: The store itself

    /// Does a bounded part of what is due: removes what is older than its retention, what nothing refers to, and what
    /// nobody needs any more. Call it again while `hasMore`.
    package func sweep(limit: Int = 500) async throws(StoreError) -> SweepResult { throw StoreError.closed }

    /// Counts. Does not grow with what is stored.
    package func totals() async throws(StoreError) -> StoreTotals { throw StoreError.closed }

    /// How many messages wait, of the agents with the most.
    package func pendingByAgent(limit: Int) async throws(StoreError) -> [(agent: String, pending: Int64)] {
        throw StoreError.closed
    }

    /// Returns when the store answers: a transaction was begun and ended.
    package func probe() async throws(StoreError) { throw StoreError.closed }

    /// What it takes of its disk.
    package func storage() async throws(StoreError) -> StorageState { throw StoreError.closed }

    /// Copies a store in a file, as it is at one moment, to a new file of mode 0600, while a hub uses it.
    /// - Throws: `exists` when there is something at `target`; `notSupported` for PostgreSQL; `misconfigured` when there is
    ///   no store.
    package static func backUp(_ location: StoreLocation, to target: FilePath) async throws(StoreError) {
        throw StoreError.closed
    }
}
