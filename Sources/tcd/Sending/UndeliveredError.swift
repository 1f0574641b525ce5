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
        if entry.state == .waiting { return "delivered, and not confirmed as '\(entry.wanted)' yet" }
        return failure?.explanation ?? entry.reason ?? "'\(entry.id)' is \(entry.state.rawValue)"
    }

    var remedy: String? {
        let next = next
        return failure?.remedy.map { "\($0); \(next)" } ?? next
    }

    /// What to do about an envelope that was interrupted on its way.
    static func interrupted(_ entry: OutboxEntry) -> String {
        "the envelope is queued as \(entry.id); 'tcd outbox drain' sends it"
    }

    private var next: String {
        let id = entry.id
        switch entry.state {
        case .queued:
            let time = entry.nextAttempt.map { " from \($0.iso8601)" } ?? ""
            return "the envelope stays queued as \(id); 'tcd outbox drain' tries it again\(time)"
        case .held: return "the envelope is held as \(id); then 'tcd outbox retry \(id)'"
        case .quarantined: return "the envelope is kept as \(id); look at 'tcd why \(id)'"
        case .waiting, .sending, .expired, .cancelled, .delivered: return "look at 'tcd why \(id)'"
        }
    }
}
