internal import CarrierIPoll
internal import Fabric
internal import HubClient

/// The hub of fork messages, as the options of a delivery name it.
extension DispatchOptions {
    /// The address that was asked for; nil where nobody asked for one.
    var askedHub: String? {
        resolver.ipollServer ?? Composition.environment["IPOLL_API_URL"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The hub's address: as asked for, else where the peers look for it.
    func hub() throws -> String { try HubAddress(parsing: askedHub ?? "http://localhost:8000").base }

    /// The address of the mux server: as asked for, else $TIBET_MUX_SERVER, else the hub's.
    func muxServer() throws -> String {
        let named = Composition.environment["TIBET_MUX_SERVER"].flatMap { $0.isEmpty ? nil : $0 }
        return try HubAddress(parsing: resolver.mux.server ?? named ?? hub()).base
    }

    /// How requests to a hub are made, in the name of `sender`.
    func requests(for sender: Identity) throws -> IPollConfiguration {
        try carriers.session.requests(
            carriers.connection, signedBy: carriers.http.noHttpAuth ? nil : sender.key)
    }
}
