/// Why the outbox could not do what was asked.
public enum OutboxError: ExplainedError {
    /// Sealing failed.
    case envelope(EnvelopeError)
    /// No name could be found for an envelope.
    case names(SurfaceError)
    /// A system call failed.
    case system(SystemFailure)
    /// The index could not be read or written: SQLite's primary result code, and what it said.
    case index(code: Int32, message: String)
    /// The index was made by a later version of this program.
    case newerIndex(version: Int)
    /// Nothing in the outbox is called so.
    case unknown(String)
    /// More than one thing in the outbox is called so.
    case ambiguous(String, ids: [OutboxID])
    /// What was asked for cannot be done with a delivery in this state.
    case wrongState(OutboxID, DeliveryState, asked: String)
    /// An acknowledgement or a receipt does not hold.
    case acknowledgement(AcknowledgementFault)

    private var cause: (any ExplainedError)? {
        switch self {
        case .envelope(let error): error
        case .names(let error): error
        case .system(let error): error
        case .acknowledgement(let fault): fault
        default: nil
        }
    }

    public var category: FailureCategory {
        switch self {
        case .index(let code, _): Self.category(of: code)
        case .newerIndex: .configuration
        case .unknown: .noInput
        case .ambiguous: .usage
        case .wrongState: .refused
        default: cause?.category ?? .software
        }
    }

    public var explanation: String {
        switch self {
        case .index(_, let message): "the outbox's index cannot be used: \(message)"
        case .newerIndex(let version): "the outbox's index is of version \(version), which this program does not know"
        case .unknown(let text): "nothing in the outbox is called '\(text)'"
        case .ambiguous(let text, let ids):
            "'\(text)' can be \(ids.prefix(5).map(\.text).joined(separator: ", "))\(ids.count > 5 ? " and others" : "")"
        case .wrongState(let id, let state, let asked): "'\(id)' is \(state.rawValue), so it cannot be \(asked)"
        default: cause?.explanation ?? ""
        }
    }

    public var remedy: String? {
        switch self {
        case .index(let code, _): Self.remedy(for: code)
        case .newerIndex: "use the newer tcd"
        case .unknown: "look at 'tcd outbox list --all'"
        case .ambiguous: "write more of it"
        case .wrongState(let id, _, _): "look at 'tcd why \(id)'"
        default: cause?.remedy
        }
    }

    // SQLite's primary result codes (sqlite.org/rescode.html); the library itself is known to the storage only.
    private static func category(of code: Int32) -> FailureCategory {
        switch code {
        case 5, 6, 13: .tryLater
        case 3, 8, 23: .refused
        case 11, 26: .badData
        case 10, 14: .inputOutput
        default: .software
        }
    }

    private static func remedy(for code: Int32) -> String? {
        switch code {
        case 5, 6: "another process is using it; try again"
        case 13: "free some space and try again"
        case 3, 8, 14, 23: "check the permissions of the state directory"
        case 11, 26:
            "move 'index.sqlite' away; the envelopes beside it are whole and can be sent with 'tcd send --sealed'"
        default: nil
        }
    }
}

extension OutboxError {
    /// Does `body`, turning the failure of a system call into the outbox's.
    static func wrapping<Result>(_ body: () throws(SystemFailure) -> Result) throws(OutboxError) -> Result {
        do { return try body() } catch { throw .system(error) }
    }
}
