internal import ArgumentParser
internal import Fabric
internal import Resolver

/// `tcd doctor`
struct Doctor: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check what a delivery needs, and say what to do where something is wrong.",
        discussion: """
            Checks the identity and who may read it, the clock, the libraries, the state directory, the pins and AINS. \
            With a name also what it resolves to, whether its hosts are known, and whether each route would work now; \
            nothing is sent. Ends with 0 when nothing failed; warnings do not count.
            """)

    @Argument(help: ArgumentHelp("A name, or any other target of 'tcd send'.", valueName: "name"))
    var name: String?

    @Option(name: .long, help: ArgumentHelp("Only this transport will do.", valueName: "name"))
    var transport: String?

    @OptionGroup(title: "Resolving") var resolving: ResolverOptions
    @OptionGroup(title: "Identity") var identity: IdentityOptions
    @OptionGroup(title: "Carriers") var carriers: CarrierOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try carriers.check()
        let target = try name.map { try resolving.target($0, transport: transport) }
        var examination = Examination(output: output)
        examination.note(IdentityChecks.check(try identity.directory()))
        examination.note(LibraryChecks.all())
        let state = try HostDirectories.current().state()
        examination.note(try await Blocking.run { StateChecks.all(in: state) })
        let resolver: Resolver
        do {
            resolver = try resolving.resolver()
        } catch let error as any ExplainedError {
            examination.note([.failed("ains", error)])
            return try examination.conclude()
        }
        let clock = try ClockCheck(HTTPOptions.configuration(carriers.connection))
        var servers = [resolver.nameService?.address].compactMap { $0 }
        if let address = resolver.nameService?.address {
            examination.note([await clock.reach(address)])
        } else {
            examination.note([.fine("ains", "none is configured (TIBET_AINS_API_URL)")])
        }
        if let target {
            let resolution = await resolver.explain(target)
            examination.note(RouteChecks.names(resolution))
            let routes = RouteChecks(composition: try carriers.composition())
            for planned in resolution.routes {
                examination.note(await routes.check(planned.route))
                if ["http", "https"].contains(planned.route.scheme) { servers.append(planned.route.address) }
            }
        }
        examination.note([await clock.compare(with: servers)])
        try examination.conclude()
    }
}
