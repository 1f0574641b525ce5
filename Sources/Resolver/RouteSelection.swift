internal import Fabric

/// Decides for each route that somebody named whether it is tried.
struct RouteSelection {
    /// The transport that was insisted on.
    let transport: String?
    let carriers: KnownCarriers
    private(set) var routes: [PlannedRoute] = []
    private(set) var passedOver: [PassedOverRoute] = []
    private var seen: Set<Route> = []
    /// Mailboxes that are a route only when their agent is registered with the receiver's key.
    private(set) var unproven: Set<Route> = []

    init(transport: String?, carriers: KnownCarriers) {
        self.transport = transport
        self.carriers = carriers
    }

    /// Adds a route, unless an earlier source named it already.
    ///
    /// - Parameter isNamed: Whether the operator wrote this very route; false for one that follows from a rule or a
    ///   record. A mailbox that is not named needs proof.
    mutating func add(_ route: Route, from origin: RouteOrigin, isNamed: Bool) {
        if isNamed { unproven.remove(route) }
        guard seen.insert(route).inserted else { return }
        if !isNamed, ["mux", "ipoll"].contains(route.scheme) { unproven.insert(route) }
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

    /// Takes a route out again, for a reason.
    mutating func drop(_ route: Route, because reason: String) {
        guard let index = routes.firstIndex(where: { $0.route == route }) else { return }
        passedOver.append(PassedOverRoute(routes.remove(at: index), because: reason))
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
