internal import CarrierExec
internal import CarrierHTTP
internal import CarrierIPoll
internal import CarrierLocal
internal import CarrierMux
internal import CarrierSCP
internal import Fabric
internal import FoundationEssentials
internal import Resolver

/// The one place that knows every carrier.
///
/// Each is made once, so that its connections serve every delivery of this process. None does anything before its first
/// delivery.
struct Composition: Sendable {
    private let byScheme: [String: any Carrier]
    private let plugins: OpenPlugins
    private let limit: Bandwidth?

    /// The carriers for deliveries, no faster than `limit`.
    init(
        http: HTTPCarrierConfiguration, scp: SCPCarrierConfiguration, mux: MuxCarrierConfiguration,
        ipoll: IPollCarrierConfiguration, limit: Bandwidth? = nil
    ) {
        var byScheme: [String: any Carrier] = [:]
        for carrier in [
            HTTPCarrier(configuration: http), SCPCarrier(configuration: scp), MuxCarrier(configuration: mux),
            IPollCarrier(configuration: ipoll), LocalCarrier(),
        ] as [any Carrier] {
            for scheme in carrier.schemes { byScheme[scheme] = carrier }
        }
        self.byScheme = byScheme
        var limits = PluginLimits()
        limits.stallTime = http.stallTime
        plugins = OpenPlugins(limits: limits)
        self.limit = limit
    }

    /// The carriers that are built in, without anybody's key.
    static var builtIn: [any Carrier] {
        [
            HTTPCarrier(), SCPCarrier(), MuxCarrier(),
            IPollCarrier(configuration: IPollCarrierConfiguration(sender: "")), LocalCarrier(),
        ]
    }

    /// The environment that plug-ins are found by, and get a part of.
    static let environment = ProcessInfo.processInfo.environment

    /// Where plug-ins are looked for.
    static let pluginPath = PluginPath(environment: environment)

    /// The schemes that can be carried, and why others cannot.
    static let carriers = KnownCarriers(builtIn: schemes) { reason(against: $0) }

    private static let schemes = Set(
        HTTPCarrier.schemes + SCPCarrier.schemes + MuxCarrier.schemes + IPollCarrier.schemes + LocalCarrier.schemes)

    /// Why nothing here can be sent over `transport`; nil where it can.
    static func reason(against transport: String) -> String? {
        guard !schemes.contains(transport), pluginPath.plugin(named: transport) == nil else { return nil }
        return "no carrier for '\(transport)' is built in, and there is no plug-in 'tcd-carrier-\(transport)'"
    }

    /// Refuses a target that is a route which can never work, as far as its text and this machine say so.
    static func check(_ target: DeliveryTarget) throws {
        let form = try TargetForm(parsing: target.text, transport: target.transport, builtIn: schemes)
        guard case .route(let route) = form else { return }
        switch route.scheme {
        case "scp": _ = try SCPAddress(parsing: route.address)
        case "local":
            var isDirectory = false
            if FileManager.default.fileExists(atPath: route.address, isDirectory: &isDirectory), !isDirectory {
                throw UsageError("'\(route.address)' is a file and not a directory", remedy: "name the directory")
            }
        default: break
        }
    }

    /// The carrier for `scheme`; nil when there is none. A plug-in is started the first time, to learn what it promises.
    @Sendable func carrier(for scheme: String) async throws(CarrierError) -> (any Carrier)? {
        var carrier = byScheme[scheme]
        if carrier == nil, let plugin = Self.pluginPath.plugin(named: scheme) {
            carrier = try await plugins.carrier(of: plugin)
        }
        guard let carrier, let limit else { return carrier }
        return BandwidthLayer(around: carrier, limit: limit)
    }
}

/// The plug-ins that were started so far. Each introduces itself once.
private actor OpenPlugins {
    private let limits: PluginLimits
    private var open: [Plugin: any Carrier] = [:]

    init(limits: PluginLimits) { self.limits = limits }

    func carrier(of plugin: Plugin) async throws(CarrierError) -> any Carrier {
        if let carrier = open[plugin] { return carrier }
        let carrier = try await ExecCarrier.open(plugin, environment: Composition.environment, limits: limits)
        // Whoever asked meanwhile had one made as well; all go on with the first.
        if let first = open[plugin] { return first }
        open[plugin] = carrier
        return carrier
    }
}
