package import Fabric

/// The address of a `mux` or `ipoll` route: `<server URL>#<agent>`.
package struct HubRoute: Hashable, Sendable {
    /// The server.
    package let address: HubAddress
    /// The agent whose mailbox is meant: the receiver.
    package let agent: HubAgent

    /// Reads a route of `scheme`.
    ///
    /// - Throws: `misconfigured` for a route of another scheme, without an agent, or with an address that is none.
    package init(_ route: Route, scheme: String) throws(CarrierError) {
        guard route.scheme == scheme else {
            throw CarrierError(
                .misconfigured, .giveUp, "'\(route.scheme):\(route.address.prefix(200))' is not a route of \(scheme)")
        }
        guard let mark = route.address.lastIndex(of: "#") else {
            throw Self.unusable(route, "it names no agent")
        }
        guard let agent = HubAgent(String(route.address[route.address.index(after: mark)...])) else {
            throw Self.unusable(route, "what stands after '#' is no name of an agent")
        }
        address = try HubAddress(parsing: String(route.address[..<mark]))
        self.agent = agent
    }

    private static func unusable(_ route: Route, _ why: String) -> CarrierError {
        CarrierError(
            .misconfigured, .waitForPerson, "cannot use the address '\(route.address.prefix(200))': \(why)",
            remedy: "write it as http://HOST:PORT#AGENT")
    }
}
