internal import Fabric

/// An envelope that is not where it should be, and what happens with it now.
struct UndeliveredError: ExplainedError {
    private let entry: OutboxEntry
    private let failure: CarrierError?

    init(_ outcome: DispatchOutcome) {
        entry = outcome.entry
        failure = outcome.failure
    }

    var category: FailureCategory {
        switch entry.state {
        case .queued, .sending, .waiting: .tryLater
        case .held, .quarantined: failure.map(\.category) ?? .refused
        case .expired, .cancelled, .delivered: .refused
        }
    }

    var explanation: String {
        if let failure, entry.state != .waiting { return failure.explanation }
        let reason = entry.reason.map { ": \($0)" } ?? ""
        return "'\(entry.name)' is not delivered yet, it is \(entry.state.rawValue)\(reason)"
    }

    var remedy: String? {
        let next = Self.next(for: entry)
        return failure?.remedy.map { "\($0); \(next)" } ?? next
    }

    /// What to do about an envelope that was interrupted on its way.
    static func interrupted(_ entry: OutboxEntry) -> String {
        "the envelope is kept; send it on with 'tcd outbox retry \(entry.id)', or all that waits with 'tcd outbox drain'"
    }

    private static func next(for entry: OutboxEntry) -> String {
        switch entry.state {
        case .queued:
            let time = entry.nextAttempt.map { " and is next tried after \($0.iso8601)" } ?? ""
            return "it waits in the outbox as \(entry.id)\(time), by 'tcd outbox drain'; 'tcd why \(entry.id)' tells "
                + "more"
        case .held: return "it is held in the outbox as \(entry.id); then run 'tcd outbox retry \(entry.id)'"
        case .quarantined:
            return "it is kept in quarantine as \(entry.id); 'tcd outbox replay \(entry.id)' tries it again"
        case .waiting:
            return "wait longer with --timeout, or look at 'tcd why \(entry.id)'"
        case .sending, .expired, .cancelled, .delivered: return "'tcd why \(entry.id)' tells more"
        }
    }
}
