internal import ArgumentParser
internal import Fabric
internal import Resolver

/// `tcd resolve`
struct Resolve: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the ways to a name, and who says so.",
        discussion: """
            Asks the same sources as 'tcd send', in the same order: the command line, routes.toml, AINS, convention. \
            Nothing is sent and no key is pinned. The status is that of a send that would be refused at once.
            """)

    @Argument(help: ArgumentHelp("A name, or any other target of 'tcd send'.", valueName: "name"))
    var name: String

    @Option(name: .long, help: ArgumentHelp("Only this transport will do.", valueName: "name"))
    var transport: String?

    @Flag(
        name: .customLong("accept-routes"),
        help: "Pin the hosts that AINS leads to now, in place of those that are pinned with the receiver's key.")
    var acceptRoutes = false

    @OptionGroup(title: "Resolving") var resolving: ResolverOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let target = try resolving.target(name, transport: transport)
        let named = resolving.namedMailboxes(for: name, transport: transport)
        let resolver = try resolving.resolver(.current(naming: named))
        if acceptRoutes {
            return PinReport(try await resolver.acceptHosts(of: target), event: "pinned").tell(json: output.json)
        }
        let resolution = await resolver.explain(target)
        let report = ResolutionReport(resolution: resolution)
        if output.json { Terminal.say(JSONLine(report.fields)) } else { report.lines.forEach(Terminal.say) }
        if let failure = resolution.failure { throw failure }
    }
}
