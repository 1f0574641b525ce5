internal import ArgumentParser
internal import Fabric

/// What is needed to try deliveries: who signs them, and how they are made.
struct DispatchOptions: ParsableArguments {
    @OptionGroup(title: "Identity") var identity: IdentityOptions
    @OptionGroup(title: "HTTP") var http: HTTPOptions

    /// A dispatcher for `outbox` with every carrier that there is.
    func dispatcher(
        for outbox: Outbox, output: OutputOptions, report: @escaping @Sendable (DispatchEvent) -> Void
    ) throws -> Dispatcher {
        try http.check()
        let sender = try identity.loadOrCreate(output: output)
        let name = try identity.name(of: sender)
        let composition = Composition(http: try http.configuration(for: sender, name: name))
        return Dispatcher(
            outbox: outbox, planner: DirectPlanner(), carrier: composition.carriers(), report: report)
    }
}

extension Outbox {
    /// This user's outbox.
    static func current() throws -> Outbox { try Outbox(state: HostDirectories.current().state()) }
}
