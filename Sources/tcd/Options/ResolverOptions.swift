internal import ArgumentParser
internal import Fabric
internal import FoundationEssentials
internal import Resolver
internal import SystemPackage

/// How names are resolved.
struct ResolverOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The least trust that the receiver's record must have, 0 to 1. Default: 0.5, where there is a record.",
            valueName: "trust"))
    var minTrust: Double?

    @Flag(name: .customLong("no-ains"), help: "Do not ask AINS.")
    var noAINS = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The file of routes. Default: $TIBET_ROUTES, or tibet/routes.toml in $XDG_CONFIG_HOME and /etc.",
            valueName: "file"))
    var routes: String?

    @Option(
        name: .customLong("ains-url"),
        help: ArgumentHelp(
            "The address below which AINS has its names. Default: $TIBET_AINS_API_URL.", valueName: "url"))
    var ainsURL: String?

    @Option(
        name: .customLong("ipoll-server"),
        help: ArgumentHelp(
            "The I-Poll server of a named receiver. Default: $IPOLL_API_URL, or http://localhost:8000 with --transport "
                + "ipoll.", valueName: "url"))
    var ipollServer: String?

    @Flag(
        name: .customLong("strict-routes"),
        help: ArgumentHelp(
            "Stop when AINS leads to other hosts than those that are pinned with the receiver's key. Default: a warning, or "
                + "$TIBET_STRICT_ROUTES=1."))
    var strictRoutes = false

    @OptionGroup var mux: MuxRouteOptions

    /// Refuses what can be refused before anything is done.
    func check() throws {
        if let minTrust, !(0...1).contains(minTrust) {
            throw UsageError("--min-trust \(minTrust) is no trust", remedy: "give a number from 0 to 1")
        }
    }

    /// The target that `text` means with these options.
    ///
    /// - Throws: `NameError` for a text that is none.
    func target(_ text: String, transport: String?) throws -> DeliveryTarget {
        try check()
        if let transport, let reason = Composition.reason(against: transport) { throw UsageError(reason) }
        let form = try TargetForm(parsing: text, transport: transport, builtIn: Composition.carriers.builtIn)
        var text = text
        if case .route(let route) = form, route.scheme == "mux" {
            text = try mux.address(route.address)
            _ = try TargetForm(parsing: text, transport: "mux", builtIn: Composition.carriers.builtIn)
        }
        return DeliveryTarget(text, transport: transport, minimumTrust: minTrust, usesLookup: !noAINS)
    }

    /// The target that `text` means; a directory of this machine from the root on, because others may try it again from
    /// elsewhere.
    func anchoredTarget(_ text: String, transport: String? = nil) throws -> DeliveryTarget {
        var target = try target(text, transport: transport)
        if try isLocal(target) { target.text = DispatchOptions.fromRoot(target.text) }
        return target
    }

    /// Whether a target is a directory of this machine.
    func isLocal(_ target: DeliveryTarget) throws -> Bool {
        let form = try TargetForm(
            parsing: target.text, transport: target.transport, builtIn: Composition.carriers.builtIn)
        guard case .route(let route) = form else { return false }
        return route.scheme == "local"
    }

    /// The transports whose mailbox or server these options name, and `transport` where the target is an agent's name.
    ///
    /// - Parameter transport: The transport that was typed, not that of the environment.
    func namedMailboxes(for text: String, transport: String?) -> Set<String> {
        var named = namedMailboxes
        if let transport, ["mux", "ipoll"].contains(transport),
            case .aint? = try? TargetForm(parsing: text, transport: transport, builtIn: Composition.carriers.builtIn)
                .host
        {
            named.insert(transport)
        }
        return named
    }

    /// The transports whose mailbox or server these options name.
    var namedMailboxes: Set<String> {
        var named: Set<String> = []
        if ipollServer != nil { named.insert("ipoll") }
        if mux.server != nil || mux.target != nil { named.insert("mux") }
        return named
    }

    /// The resolver that these options and the settings ask for.
    ///
    /// - Parameters:
    ///   - settings: The environment, and the mailboxes that are named; nil for those of this process.
    ///   - authorities: A file of authorities to trust in place of the system's.
    func resolver(_ settings: PlanningSettings? = nil, authorities: String? = nil) throws -> Resolver {
        try check()
        let settings = settings ?? .current(naming: namedMailboxes)
        var configuration = ResolverConfiguration(
            environment: settings.resolverEnvironment, state: try HostDirectories.current().state(),
            carriers: Composition.carriers)
        configuration.userAgent = "tcd/" + Version.number
        configuration.convention.namedMailboxes = settings.namedMailboxes
        configuration.strictRoutes = configuration.strictRoutes || strictRoutes
        configuration.authorities = authorities.map { FilePath($0) }
        if let routes { configuration.routes = [.init(FilePath(routes), isRequired: true)] }
        if let ainsURL { configuration.ainsURL = ainsURL }
        try mux.apply(to: &configuration.convention)
        if let ipollServer { configuration.convention.ipollServer = ipollServer }
        return try Resolver(configuration)
    }
}
