internal import Fabric
internal import Resolver

/// Makes what is needed to try deliveries, once for all that were ordered with the same options.
actor Workshop {
    private let options: DispatchOptions
    private let output: OutputOptions
    private var ready: [[String: [String]]: DispatchOptions.Prepared]

    /// - Parameter usual: What there is for deliveries without options of their own.
    init(_ options: DispatchOptions, usual: DispatchOptions.Prepared, output: OutputOptions) {
        self.options = options
        self.output = output
        ready = [[:]: usual]
    }

    /// What deliveries to `target` need.
    func prepared(for target: DeliveryTarget) throws(CarrierError) -> DispatchOptions.Prepared {
        if let made = ready[target.options] { return made }
        let filled = options.filled(from: target.options)
        do {
            // One that was named and has gone is not made anew: it would be somebody else's.
            if options.identity.identity == nil, filled.identity.identity != nil {
                _ = try filled.identity.directory().load()
            }
            let made = try filled.prepare(output: output)
            ready[target.options] = made
            return made
        } catch {
            let reason = (error as? any ExplainedError)?.explanation ?? "\(error)"
            throw CarrierError(
                .misconfigured, .waitForPerson, "the options that it was sent with cannot be used: \(reason)",
                remedy: "mend that, or give others to 'tcd outbox retry'")
        }
    }
}

/// Finds ways by the options of each target.
struct WorkshopPlanner: RoutePlanner {
    let workshop: Workshop

    func plan(for target: DeliveryTarget) async throws(CarrierError) -> RoutePlan {
        try await workshop.prepared(for: target).resolver.plan(for: target)
    }
}
