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
    }

    /// Refuses what can be refused before anything is done.
    func check() throws {
        try resolver.check()
        try carriers.check()
    }

    /// Loads the identity, creating it where there is none, and makes everything else.
    func prepare(output: OutputOptions) throws -> Prepared {
        try check()
        let resolver = try resolver.resolver()
        let sender = try identity.loadOrCreate(output: output)
        let name = try identity.name(of: sender)
        return Prepared(
            sender: sender, name: name, resolver: resolver,
            composition: try carriers.composition(for: sender, name: name))
    }

    /// A dispatcher for `outbox` with every carrier that there is. What was kept with a delivery counts where these
    /// options say nothing.
    func dispatcher(
        for outbox: Outbox, output: OutputOptions, report: @escaping @Sendable (DispatchEvent) -> Void
    ) throws -> Dispatcher {
        let workshop = Workshop(self, usual: try prepare(output: output), output: output)
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
