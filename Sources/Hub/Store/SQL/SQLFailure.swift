/// Why the database did not do what it was told, as far as callers act on it.
enum SQLFailure: Error {
    /// The connection is gone, and with it the transaction, unless that was being committed.
    case disconnected(String)
    /// Somebody else was in the way: the same again, alone, can succeed.
    case conflict(code: String, message: String)
    /// The disk is full.
    case full
    /// Anything else: its code, and what it said.
    case refused(code: String, message: String)
}

extension StoreError {
    /// What a caller of the store is told.
    init(_ failure: SQLFailure) {
        switch failure {
        case .disconnected(let message), .conflict(_, let message): self = .unavailable(message)
        case .full: self = .full
        case .refused(let code, let message): self = .database(code: code, message: message)
        }
    }
}
