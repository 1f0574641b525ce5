internal import Fabric
internal import Resolver

/// Makes what is needed to try deliveries, once for all that were ordered with the same options.
actor Workshop {
    private let options: DispatchOptions
    private let output: OutputOptions
    private let namesMailboxes: Bool
    private var ready: [[String: [String]]: DispatchOptions.Prepared] = [:]

    /// - Parameter namesMailboxes: Whether mailboxes and servers that `options` name are meant for each delivery.
    init(_ options: DispatchOptions, namesMailboxes: Bool, output: OutputOptions) {
        self.options = options
        self.namesMailboxes = namesMailboxes
        self.output = output
    }

    /// What deliveries to `target` need.
    func prepared(for target: DeliveryTarget) throws(CarrierError) -> DispatchOptions.Prepared {
        if let made = ready[target.options] { return made }
        var settings = PlanningSettings(kept: target.options)
        let filled = options.filled(
            from: target.options, exceptMailboxes: namesMailboxes ? [] : settings.namedMailboxes)
        if namesMailboxes { settings.namedMailboxes.formUnion(options.resolver.namedMailboxes) }
        do {
            // One that was named and has gone is not made anew: it would be somebody else's.
            if options.identity.identity == nil, filled.identity.identity != nil {
                _ = try filled.identity.directory().load()
            }
            let made = try filled.prepare(output: output, settings: settings)
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
