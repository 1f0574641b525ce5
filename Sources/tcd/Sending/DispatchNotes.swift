internal import Fabric

/// What is said while deliveries are tried.
enum DispatchNotes {
    /// Explains attempts to those who asked for it, and tells everybody what a plan wants to be known.
    ///
    /// - Parameter told: Notices that need not be told again.
    static func show(_ output: OutputOptions, told: [String] = []) -> @Sendable (DispatchEvent) -> Void {
        { event in
            switch event {
            case .attempt(let entry, let planned):
                output.explain("\(entry.id): trying \(planned.route) (\(planned.origin))")
            case .failure(let entry, _, let error): output.explain("\(entry.id): \(error.kind.name): \(error)")
            case .skipped(let entry, let route, let reason):
                output.explain("\(entry.id): passing over \(route): \(reason)")
            case .notice(_, let text) where told.contains(text): break
            case .notice(let entry, let text): Terminal.note("\(entry.id): \(text)")
            case .trouble(let error): Terminal.note("\(error)")
            case .outcome: break
            }
        }
    }
}
