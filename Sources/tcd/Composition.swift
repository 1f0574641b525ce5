internal import CarrierExec
internal import CarrierHTTP
internal import CarrierLocal
internal import Fabric
internal import FoundationEssentials

/// The one place that knows every carrier, and how a target is told apart.
struct Composition {
    /// The key and name that HTTP deliveries are signed with.
    let http: HTTPCarrierConfiguration

    /// The transports that can be named with `--transport`.
    static let transports = ["http", "local"]

    /// The carriers that are built in, without anybody's key.
    static var builtIn: [any Carrier] { [HTTPCarrier(), LocalCarrier()] }

    /// The environment that plug-ins are found by, and get a part of.
    static let environment = ProcessInfo.processInfo.environment

    /// Where plug-ins are looked for.
    static let pluginPath = PluginPath(environment: environment)

    /// The carrier for `scheme`; nil when there is none. One of a plug-in starts it, to learn what it promises.
    func carrier(for scheme: String) async throws -> (any Carrier)? {
        if HTTPCarrier.schemes.contains(scheme) { return HTTPCarrier(configuration: http) }
        if LocalCarrier.schemes.contains(scheme) { return LocalCarrier() }
        guard let plugin = Self.pluginPath.plugin(named: scheme) else { return nil }
        var limits = PluginLimits()
        limits.stallTime = http.stallTime
        return try await ExecCarrier.open(plugin, environment: Self.environment, limits: limits)
    }

    /// The route to `target`, over `transport` where one is named.
    static func route(to target: String, transport: String?) throws -> Route {
        let scheme = target.prefix { $0 != ":" }.lowercased()
        let isURL = HTTPCarrier.schemes.contains(scheme) && target.dropFirst(scheme.count).hasPrefix("://")
        switch transport {
        case "http"?:
            guard isURL else {
                throw UsageError(
                    "'\(target)' is no target for http", remedy: "write http://HOST:PORT or https://HOST:PORT")
            }
            return Route(scheme: scheme, address: target)
        case "local"?:
            return Route(scheme: "local", address: target)
        case nil:
            if isURL { return Route(scheme: scheme, address: target) }
            guard target.contains("/") || target == "." || target == ".." else {
                throw UsageError(
                    "'\(target)' names no transport that is built in",
                    remedy: "write http://HOST:PORT, https://HOST:PORT, or a directory with a slash in it")
            }
            return Route(scheme: "local", address: target)
        case let other? where pluginPath.plugin(named: other) != nil:
            return Route(scheme: other, address: target)
        case let other?:
            throw UsageError(
                "there is no transport '\(other)'",
                remedy: "use one of \(transports.joined(separator: ", ")), or install a plug-in 'tcd-carrier-\(other)'")
        }
    }
}
