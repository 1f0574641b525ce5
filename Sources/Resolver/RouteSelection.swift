internal import Fabric

/// Decides for each route that somebody named whether it is tried.
struct RouteSelection {
    /// The transport that was insisted on.
    let transport: String?
    let carriers: KnownCarriers
    private(set) var routes: [PlannedRoute] = []
    private(set) var passedOver: [PassedOverRoute] = []
    private var seen: Set<Route> = []

    init(transport: String?, carriers: KnownCarriers) {
        self.transport = transport
        self.carriers = carriers
    }

    /// Adds a route, unless somebody who comes first named it already.
    mutating func add(_ route: Route, from origin: RouteOrigin) {
        guard seen.insert(route).inserted else { return }
        let planned = PlannedRoute(route, origin: origin)
        if let reason = reason(against: route, from: origin) {
            passedOver.append(PassedOverRoute(planned, because: reason))
        } else {
            routes.append(planned)
        }
    }

    /// Passes a route over for a reason of its own.
    mutating func passOver(_ route: Route, from origin: RouteOrigin, because reason: String) {
        guard seen.insert(route).inserted else { return }
        passedOver.append(PassedOverRoute(PlannedRoute(route, origin: origin), because: reason))
    }

    private func reason(against route: Route, from origin: RouteOrigin) -> String? {
        if case .nameService = origin {
            // Whoever runs the name service must not be able to write into this machine's directories, or to run
            // programs with arguments of their choice.
            if route.scheme == "local" { return "a name service may not name directories of this machine" }
            if !carriers.builtIn.contains(route.scheme), route.scheme != transport {
                return "a plug-in is only used for a name service's route with --transport \(route.scheme)"
            }
        }
        if let transport, !Self.schemes(of: transport).contains(route.scheme) {
            return "\(transport) was insisted on"
        }
        return carriers.reason(against: route.scheme)
    }

    /// The schemes that a transport stands for.
    static func schemes(of transport: String) -> Set<String> {
        transport == "http" ? ["http", "https"] : [transport]
    }
}
