internal import Fabric
internal import Glibc
internal import Resolver

/// Whether a name has ways, and whether they would work now.
struct RouteChecks {
    let composition: Composition

    /// What came of resolving.
    static func names(_ resolution: Resolution) -> [Check] {
        var checks: [Check] = []
        if let failure = resolution.failure {
            checks.append(.failed("name", failure))
        } else {
            checks.append(.fine("name", Quantity.count(resolution.routes.count, "route")))
        }
        for notice in resolution.notices { checks.append(.warning("name", notice, remedy: nil)) }
        for passed in resolution.passedOver {
            let route = passed.planned.route
            checks.append(.warning("route", "\(route.scheme) \(route) is passed over: \(passed.reason)", remedy: nil))
        }
        return checks
    }

    /// Whether the host of a route is known, and whether the carrier takes it.
    func check(_ route: Route) async -> [Check] {
        var checks: [Check] = []
        if let host = Self.host(of: route) {
            let problem = (try? await Blocking.run { Self.lookUp(host) }) ?? nil
            if let problem {
                return [
                    Check(
                        subject: "dns", state: .failed, detail: "'\(host)' cannot be resolved: \(problem)",
                        remedy: "try the full name or the address, add a hosts entry, or ask AINS")
                ]
            }
            checks.append(.fine("dns", "'\(host)' is known"))
        }
        do throws(CarrierError) {
            guard let carrier = try await composition.carrier(for: route.scheme)?.probing else {
                let detail = "\(route.scheme) \(route) cannot be tried without sending"
                return checks + [.warning("route", detail, remedy: nil)]
            }
            try await carrier.probe(route)
            checks.append(.fine("route", "\(route.scheme) \(route) would take an envelope"))
        } catch {
            checks.append(.failed("route", error))
        }
        return checks
    }

    /// The host in a route's address, without brackets and port; nil where there is none that DNS would have to know:
    /// those of ssh can be names of its configuration, which the probe looks up.
    static func host(of route: Route) -> String? {
        route.scheme != "scp" && route.address.contains("://") ? RouteHost(route)?.name : nil
    }

    /// Why a host has no address; nil when it has one.
    private static func lookUp(_ host: String) -> String? {
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, nil, &found)
        defer { if let found { freeaddrinfo(found) } }
        return code == 0 ? nil : String(cString: gai_strerror(code))
    }
}
