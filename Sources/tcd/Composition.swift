internal import CarrierHTTP
internal import CarrierLocal
internal import Fabric
internal import Resolver

/// The one place that knows every carrier, and how a target is told apart.
struct Composition {
    /// The key and name that HTTP deliveries are signed with.
    let http: HTTPCarrierConfiguration

    /// The transports that can be named with `--transport`.
    static let transports = ["http", "local"]

    /// The schemes that can be carried, and why others cannot.
    static let carriers = KnownCarriers(builtIn: Set(HTTPCarrier.schemes + LocalCarrier.schemes)) { scheme in
        "no carrier for '\(scheme)' is built in"
    }

    /// The carrier for `scheme`; nil when there is none.
    func carrier(for scheme: String) -> (any Carrier)? {
        if HTTPCarrier.schemes.contains(scheme) { return HTTPCarrier(configuration: http) }
        if LocalCarrier.schemes.contains(scheme) { return LocalCarrier() }
        return nil
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
        case let other?:
            throw UsageError(
                "there is no transport '\(other)'", remedy: "use one of \(transports.joined(separator: ", "))")
        }
    }
}
