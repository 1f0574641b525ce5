internal import ArgumentParser
internal import Fabric
internal import Resolver

/// What is needed to try deliveries: who signs them, how their ways are found, and how the carriers go about it.
struct DispatchOptions: ParsableArguments {
    @OptionGroup(title: "Finding the way") var resolver: ResolverOptions
    @OptionGroup(title: "Identity") var identity: IdentityOptions
    @OptionGroup(title: "Carriers") var carriers: CarrierOptions

    /// Who sends, and with what.
    struct Prepared {
        let sender: Identity
        /// The name that the sender claims.
        let name: String
        let resolver: Resolver
        let composition: Composition
        /// What is kept with a delivery that these plan.
        let kept: [String: [String]]
    }

    /// Refuses what can be refused before anything is done.
    func check() throws {
        try resolver.check()
        try carriers.check()
    }

    /// The target that `text` means, with everything that is kept of how it is gone about.
    ///
    /// - Parameters:
    ///   - transport: The transport to use.
    ///   - typed: The transport that the command line names.
    func target(_ text: String, transport: String?, typed: String?) throws -> DeliveryTarget {
        var target = try resolver.anchoredTarget(text, transport: transport)
        let named = resolver.namedMailboxes(for: text, transport: typed)
        target.options = kept.merging(PlanningSettings.current(naming: named).kept) { $1 }
        return target
    }

    /// Loads the identity, creating it where there is none, and makes everything else.
    ///
    /// - Parameter settings: What decides about routes beside these options; nil for what this process has.
    func prepare(output: OutputOptions, settings: PlanningSettings? = nil) throws -> Prepared {
        try check()
        let settings = settings ?? .current(naming: resolver.namedMailboxes)
        let resolver = try resolver.resolver(settings, authorities: carriers.connection.authorities)
        let sender = try identity.loadOrCreate(output: output)
        let name = try identity.name(of: sender)
        return Prepared(
            sender: sender, name: name, resolver: resolver,
            composition: try carriers.composition(for: sender, name: name), kept: kept.merging(settings.kept) { $1 })
    }

    /// A dispatcher for `outbox` with every carrier that there is. What was kept with a delivery counts where these
    /// options say nothing; the environment of this process does not count for its routes.
    ///
    /// - Parameter namesMailboxes: Whether mailboxes and servers that these options name are meant for the deliveries that
    ///   are tried. If false, an agent there has to be registered with the receiver's key.
    func dispatcher(
        for outbox: Outbox, output: OutputOptions, namesMailboxes: Bool,
        report: @escaping @Sendable (DispatchEvent) -> Void
    ) throws -> Dispatcher {
        // What cannot be used is told before anything is tried.
        _ = try prepare(output: output)
        let workshop = Workshop(self, namesMailboxes: namesMailboxes, output: output)
        return Dispatcher(
            outbox: outbox, planner: WorkshopPlanner(workshop: workshop),
            carrierFor: { scheme, target throws(CarrierError) in
                try await workshop.prepared(for: target).composition.carrier(for: scheme)
            }, report: report)
    }
}

extension Outbox {
    /// This user's outbox.
    static func current() throws -> Outbox { try Outbox(state: HostDirectories.current().state()) }
}
