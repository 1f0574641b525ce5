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

    @OptionGroup var session: SessionOptions

    /// The carrier's configuration for what `sender` sends under `name`.
    func configuration(
        for sender: Identity, name: String, _ connection: ConnectionOptions
    ) throws -> IPollCarrierConfiguration {
        // What is no agent's name matters only to those who send this way: the carrier tells them.
        let agent = agent ?? (try? AgentName.of(name).name) ?? name
        return IPollCarrierConfiguration(
            sender: agent, requests: try session.requests(connection, signedBy: sender.key))
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
