package import Fabric

extension StoreError {
    package var category: FailureCategory {
        switch self {
        case .unknownChannel, .unknownMessage, .unknownLease, .unknownBlob, .unknownAgent: .noInput
        case .channelClosed, .settledOtherwise, .nameTaken, .keyChanged, .mailboxFull, .senderFull: .refused
        case .tooManyChannels, .unprovenFull, .quotaReached, .leaseLost, .blobIncomplete: .tryLater
        case .wrongOffset, .beyondEnd, .keyReused, .notSupported: .usage
        case .digestMismatch, .unstorable: .badData
        case .full: .inputOutput
        case .unavailable, .closed: .unavailable
        case .inUse, .newerSchema, .misconfigured: .configuration
        case .exists: .cannotCreate
        case .database: .software
        }
    }

    package var explanation: String {
        switch self {
        case .unknownChannel(let id): "no channel is called '\(id)'"
        case .channelClosed(let id): "the channel '\(id)' is closed"
        case .tooManyChannels(let agent, let limit): "'\(agent)' has \(limit) channels open, which is as many as it may"
        case .unknownMessage(let id): "no message is called '\(id)'"
        case .unknownLease(let id): "no lease is called '\(id)'"
        case .leaseLost(let id): "the lease '\(id)' is over, and what it held is offered to others"
        case .settledOtherwise(let id, let first): "what the lease '\(id)' held was settled before, with \(first)"
        case .unknownBlob(let id): "no blob is called '\(id)'"
        case .blobIncomplete(let id): "the blob '\(id)' is not whole, or not for this recipient"
        case .wrongOffset(let received): "the blob has \(received) bytes, and the piece does not begin there"
        case .beyondEnd(let size): "the piece goes beyond the end of the blob, which is to have \(size) bytes"
        case .digestMismatch(let claimed, let computed): "the blob is \(computed), and was announced as \(claimed)"
        case .mailboxFull(let agent, let limit): "the mailbox of '\(agent)' would hold more than \(limit) bytes"
        case .senderFull(let agent, let limit): "'\(agent)' would have more than \(limit) bytes stored here"
        case .unprovenFull(let limit):
            "senders without a registered key have used up the \(limit) bytes that they share here"
        case .quotaReached(let agent, let limit, _):
            "'\(agent)' has sent \(limit) messages in this hour, as many as it may"
        case .keyReused(let key): "the idempotency key '\(key)' was used for something else"
        case .nameTaken(let name): "'\(name)' is registered with another key"
        case .unknownAgent(let name): "nobody is registered as '\(name)'"
        case .keyChanged(let name): "the key of '\(name)' is another"
        case .unstorable(let field, let reason): "the \(field) cannot be stored: \(reason)"
        default: storeExplanation
        }
    }

    /// What is wrong with the store itself.
    private var storeExplanation: String {
        switch self {
        case .full: "the store's disk is full"
        case .unavailable(let reason): "the store cannot be used now: \(reason)"
        case .inUse(let path): "another hub has the store '\(path)' open"
        case .newerSchema(let version): "the store is of version \(version), which this program does not know"
        case .misconfigured(let reason): "the store cannot be used: \(reason)"
        case .closed: "the store is closed"
        case .notSupported(let what): "\(what) is not possible with this store"
        case .exists(let path): "there is something at '\(path)' already"
        case .database(let code, let message): "the database refused a statement (\(code)): \(message)"
        default: ""
        }
    }

    package var remedy: String? {
        switch self {
        case .tooManyChannels: "close some, or let their receiver take what is in them"
        case .leaseLost: "extend the lease while working on it"
        case .blobIncomplete: "upload the rest first"
        case .wrongOffset(let received): "go on from byte \(received)"
        case .digestMismatch: "upload it again from the beginning"
        case .mailboxFull: "try again when its owner has taken what waits there"
        case .senderFull: "try again when the receivers have taken what waits for them"
        case .unprovenFull: "register the sender's name with its key, or try again later"
        case .quotaReached(_, _, let retryAfter): "try again in \(retryAfter.components.seconds) s"
        case .keyReused: "use a new key for each request"
        case .full: "free some space"
        case .unavailable: "try again"
        case .inUse: "stop the other hub, or keep what both hold in PostgreSQL"
        case .newerSchema: "use the newer tcd"
        case .notSupported: "use pg_dump for a PostgreSQL database"
        case .exists: "choose another name"
        default: nil
        }
    }
}
