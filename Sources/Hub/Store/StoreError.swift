package import Fabric

/// Why the store did not do what was asked. Nothing was changed then, unless it says otherwise.
package enum StoreError: ExplainedError, Equatable {
    /// No channel is called so.
    case unknownChannel(String)
    /// The channel is closed.
    case channelClosed(String)
    /// The agent has as many channels open as it may.
    case tooManyChannels(agent: String, limit: Int)
    /// No message is called so, or it is not for this agent.
    case unknownMessage(String)
    /// No lease is called so, or it is not this agent's.
    case unknownLease(String)
    /// The lease is over, so others may have got the item.
    case leaseLost(String)
    /// The item was settled before, otherwise.
    case settledOtherwise(String, Settlement)
    /// No blob is called so.
    case unknownBlob(String)
    /// The blob is not whole yet, or not for whom it was to be given.
    case blobIncomplete(String)
    /// The piece does not begin where the blob ends. Holds how many bytes are there.
    case wrongOffset(received: Int64)
    /// The piece goes beyond the end of the blob.
    case beyondEnd(size: Int64)
    /// The blob is whole, and its digest is another than was claimed. It is gone.
    case digestMismatch(claimed: Digest, computed: Digest)
    /// The mailbox holds as many bytes as it may.
    case mailboxFull(agent: String, limit: Int64)
    /// The sender's account holds as many bytes as it may.
    case senderFull(agent: String, limit: Int64)
    /// All unproven senders together have stored as much as they may.
    case unprovenFull(limit: Int64)
    /// The sender has sent as many messages in this hour as it may.
    case quotaReached(agent: String, limit: Int64, retryAfter: Duration)
    /// The idempotency key was used for something of another kind.
    case keyReused(String)
    /// The name is registered with another key.
    case nameTaken(String)
    /// No agent is registered under this name.
    case unknownAgent(String)
    /// The agent's key is another than the one that is to be replaced.
    case keyChanged(String)
    /// A text that cannot be stored: it holds the character U+0000, or it is too long for what it is.
    case unstorable(field: String, reason: String)
    /// The disk is full.
    case full
    /// The database cannot be used now. Trying again can help. Whether a change was made is not known; the same
    /// idempotency key finds out.
    case unavailable(String)
    /// Another hub has the same file open.
    case inUse(path: String)
    /// The store was made by a later version of this program.
    case newerSchema(version: Int)
    /// The store cannot be used as it is configured.
    case misconfigured(String)
    /// The store is closed.
    case closed
    /// What only a store in a file can do was asked of another.
    case notSupported(String)
    /// The file is there already, and is not replaced.
    case exists(path: String)
    /// The database refused a statement, which it should not; its code and what it said.
    case database(code: String, message: String)

    /// Whether the same call can succeed later without anybody doing anything about it.
    package var isRetryable: Bool {
        switch self {
        case .unavailable, .tooManyChannels, .mailboxFull, .senderFull, .unprovenFull, .quotaReached, .full: true
        default: false
        }
    }
}
