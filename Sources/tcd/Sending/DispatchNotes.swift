internal import Fabric

/// What is said while deliveries are tried, and what a script learns of how they ended.
enum DispatchNotes {
    /// Explains attempts to those who asked for it.
    static func show(_ output: OutputOptions) -> @Sendable (DispatchEvent) -> Void {
        { event in
            switch event {
            case .attempt(let entry, let planned):
                output.explain("\(entry.id): trying \(planned.route) (\(planned.origin))")
            case .failure(let entry, _, let error): output.explain("\(entry.id): \(error.kind.name): \(error)")
            case .skipped(let entry, let route, let reason):
                output.explain("\(entry.id): passing over \(route): \(reason)")
            case .notice(let entry, let text): Terminal.note("\(entry.id): \(text)")
            case .outcome: break
            }
        }
    }

    /// The exit status for a delivery that was just tried; nil when it is where it should be.
    static func status(of entry: OutboxEntry, after failure: CarrierError?) -> ExitStatus? {
        switch entry.state {
        case .delivered: nil
        case .queued, .sending, .waiting: .tryLater
        case .held, .quarantined: failure.map { ExitStatus(for: $0) } ?? .refused
        case .cancelled, .expired: .refused
        }
    }
}
