internal import ArgumentParser
internal import CarrierIPoll
internal import Fabric
internal import HubClient
internal import SystemPackage

/// How envelopes are sent through servers of mailboxes.
struct IPollOptions: ParsableArguments {
    @Option(
        name: .customLong("ipoll-agent"),
        help: ArgumentHelp(
            "The agent in whose name messages are sent. Default: that of the sender's name.", valueName: "name"))
    var agent: String?

    /// The carrier's configuration for what is sent under `name`.
    func configuration(name: String, _ requests: IPollConfiguration) -> IPollCarrierConfiguration {
        // What is no agent's name matters only to those who send this way: the carrier tells them.
        let agent = agent ?? (try? AgentName.of(name).name) ?? name
        return IPollCarrierConfiguration(sender: agent, requests: requests)
    }
}

/// What a server gave to say who one is.
struct SessionOptions: ParsableArguments {
    @Option(
        name: .customLong("ipoll-session"),
        help: ArgumentHelp(
            "A file with a session token for I-Poll servers, as the peers keep it or bare. Default: $TIBET_IPOLL_SESSION.",
            valueName: "file"))
    var session: String?

    /// How servers are asked.
    func requests(_ connection: ConnectionOptions, signedBy key: SigningKey?) throws -> IPollConfiguration {
        var requests = IPollConfiguration(signingKey: key)
        requests.authorities = connection.authorities.map { FilePath($0) }
        requests.clientCertificate = connection.clientCertificate.map { FilePath($0) }
        requests.clientKey = connection.clientKey.map { FilePath($0) }
        requests.connectTime = try connection.connectTime()
        requests.stallTime = try connection.stallTime()
        requests.userAgent = "tcd/" + Version.number
        let named = session ?? Composition.environment["TIBET_IPOLL_SESSION"].flatMap { $0.isEmpty ? nil : $0 }
        if let named { requests.bearerToken = try SessionToken(file: FilePath(named)).text }
        return requests
    }
}
