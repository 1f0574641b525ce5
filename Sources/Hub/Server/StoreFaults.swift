internal import Fabric
internal import HTTPTypes

extension HubFault {
    /// What a failure of the store means to whoever asked.
    init(_ error: StoreError) {
        switch error {
        case .unknownChannel: self.init(.notFound, "Channel not found", code: "unknown_channel")
        case .unknownMessage: self.init(.notFound, error.explanation, code: "unknown_message")
        case .unknownLease: self.init(.notFound, error.explanation, code: "unknown_lease")
        case .unknownBlob: self.init(.notFound, error.explanation, code: "unknown_blob")
        case .unknownAgent: self.init(.notFound, error.explanation, code: "unknown_agent")
        case .channelClosed(let id):
            self.init(.conflict, "Channel \(id) is closed, not open", code: "channel_closed")
        case .leaseLost: self.init(.conflict, error.explanation, code: "lease_lost")
        case .settledOtherwise(_, let first):
            self.init(.conflict, error.explanation, code: "settled_otherwise")
            body["settled"] = .text(first.word)
        case .blobIncomplete: self.init(.conflict, error.explanation, code: "blob_incomplete")
        case .wrongOffset(let received):
            self.init(.conflict, error.explanation, code: "wrong_offset")
            body["received"] = .integer(received)
        case .keyReused: self.init(.conflict, error.explanation, code: "key_reused")
        case .nameTaken: self.init(.conflict, error.explanation, code: "name_taken")
        case .keyChanged: self.init(.conflict, error.explanation, code: "key_changed")
        case .beyondEnd: self.init(.unprocessableContent, error.explanation, code: "beyond_end")
        case .digestMismatch: self.init(.unprocessableContent, error.explanation, code: "digest_mismatch")
        case .unstorable(let field, let reason):
            self = .invalid("body", field, message: reason, input: .null)
        case .tooManyChannels(_, let limit):
            self = .tooMany("Max \(limit) open channels per agent", code: "channels", retryAfter: 1)
        case .mailboxFull: self = .tooMany(error.explanation, code: "mailbox_full", retryAfter: 60)
        case .senderFull: self = .tooMany(error.explanation, code: "sender_full", retryAfter: 60)
        case .unprovenFull: self = .tooMany(error.explanation, code: "unproven_full", retryAfter: 60)
        case .quotaReached(_, _, let time):
            self = .tooMany(error.explanation, code: "quota", retryAfter: time.components.seconds)
        case .full: self.init(Self.insufficientStorage, error.explanation, code: "full")
        case .unavailable, .closed:
            self.init(.serviceUnavailable, "the hub's store cannot be used now", code: "unavailable")
            headers[.retryAfter] = "1"
            cause = error.explanation
        case .inUse, .newerSchema, .misconfigured, .notSupported, .exists, .database:
            self.init(.internalServerError, "Internal Server Error", code: "internal")
            cause = error.explanation
        }
    }
}

extension Settlement {
    /// The word for it on the wire.
    var word: String {
        switch self {
        case .commit: "commit"
        case .extend: "extend"
        case .release: "release"
        case .refuse: "refuse"
        }
    }
}

/// Asks the store for something, and turns its failures into what is told.
func stored<Value>(_ work: () async throws(StoreError) -> Value) async throws(HubFault) -> Value {
    do throws(StoreError) {
        return try await work()
    } catch {
        throw HubFault(error)
    }
}
