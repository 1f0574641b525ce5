internal import ArgumentParser
internal import CarrierHTTP
internal import CarrierIPoll
internal import Fabric
internal import FoundationEssentials
internal import HubClient

/// Where the hub of messages is.
struct ForkHubOptions: ParsableArguments {
    @Option(
        name: [.customLong("ipoll-server"), .customLong("ipoll-url")],
        help: ArgumentHelp(
            "The hub. Default: $IPOLL_API_URL, or http://localhost:8000.", valueName: "url"))
    var ipollServer: String?

    /// The address that was asked for.
    var asked: String? {
        ipollServer ?? ProcessInfo.processInfo.environment["IPOLL_API_URL"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The hub's address: as asked for, else where the peers look for it.
    func server() throws -> String { try HubAddress(parsing: asked ?? "http://localhost:8000").base }
}

extension HTTPOptions {
    /// How requests to a hub are made, in the name of `sender`.
    func ipoll(for sender: Identity) throws -> IPollConfiguration {
        let http = try configuration()
        var configuration = IPollConfiguration(signingKey: noHttpAuth ? nil : sender.key)
        configuration.authorities = http.authorities
        configuration.clientCertificate = http.clientCertificate
        configuration.clientKey = http.clientKey
        configuration.connectTime = http.connectTime
        configuration.stallTime = http.stallTime
        configuration.userAgent = http.userAgent
        return configuration
    }
}
