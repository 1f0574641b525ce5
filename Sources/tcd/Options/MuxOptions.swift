internal import ArgumentParser
internal import CarrierMux
internal import Fabric
internal import HubClient
internal import Resolver
internal import SystemPackage

/// How envelopes are handed to mux servers, with the peers' flags.
struct MuxOptions: ParsableArguments {
    @Option(
        name: .customLong("mux-agent"),
        help: ArgumentHelp(
            "The agent in whose name channels are opened. Default: $TIBET_MUX_AGENT, or that of the sender's name.",
            valueName: "name"))
    var agent: String?

    @Option(
        name: .customLong("mux-intent"),
        help: ArgumentHelp(
            "What the channels are for; the receiver has to ask for the same. Default: continuityd:inbox.",
            valueName: "intent"))
    var intent: String?

    @Flag(name: .customLong("mux-keep-open"), help: "Leave the channel open, for its receiver to close.")
    var keepOpen = false

    /// Refuses what can be refused before anything is done.
    func check() throws {
        if let agent { _ = try AgentName.parse(agent) }
        if let intent, intent.utf8.count > 200 || intent.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
            throw UsageError("--mux-intent is too long, or holds a control character")
        }
    }

    /// The carrier's configuration for what the holder of `key` sends under `name`.
    func configuration(
        _ connection: ConnectionOptions, signedBy key: SigningKey?, name: String? = nil
    ) throws -> MuxCarrierConfiguration {
        var configuration = try Self.configuration(connection, signedBy: key)
        let named =
            agent ?? Composition.environment["TIBET_MUX_AGENT"].flatMap { $0.isEmpty ? nil : $0 }
            ?? name.flatMap { try? AgentName.of($0).name }
        if let named { configuration.agent = named }
        if let intent { configuration.intent = intent }
        configuration.keepsOpen = keepOpen
        return configuration
    }

    /// What is the same for whoever sends and whoever receives.
    static func configuration(
        _ connection: ConnectionOptions, signedBy key: SigningKey?
    ) throws -> MuxCarrierConfiguration {
        var configuration = MuxCarrierConfiguration(signingKey: key)
        configuration.authorities = connection.authorities.map { FilePath($0) }
        configuration.clientCertificate = connection.clientCertificate.map { FilePath($0) }
        configuration.clientKey = connection.clientKey.map { FilePath($0) }
        configuration.connectTime = try connection.connectTime()
        configuration.stallTime = try connection.stallTime()
        configuration.userAgent = "tcd/" + Version.number
        return configuration
    }
}

/// Which mux server, and whose mailbox there.
struct MuxRouteOptions: ParsableArguments {
    @Option(
        name: .customLong("mux-server"),
        help: ArgumentHelp(
            "The mux server. Default: $TIBET_MUX_SERVER, or http://localhost:8000 with --transport mux.",
            valueName: "url"))
    var server: String?

    @Option(
        name: .customLong("mux-target"),
        help: ArgumentHelp(
            "The agent at the mux server. Default: the host of the receiver's name, where it is registered there.",
            valueName: "name"))
    var target: String?

    /// Writes it into the rules for names.
    func apply(to convention: inout Convention) throws {
        if let server { convention.muxServer = server }
        if let target { convention.muxAgent = try AgentName.parse(target).name }
    }

    /// The address that `text` means with --transport mux, where it is not a name: `SERVER#AGENT` as it is, and otherwise
    /// the agent of --mux-target (`ains.md`, section 2). The peers' default, the agent `self`, would be a stranger's mailbox.
    func address(_ text: String) throws -> String {
        guard !text.contains("#") else { return text }
        let isURL = ["http://", "https://"].contains { text.lowercased().hasPrefix($0) }
        let server =
            server ?? (isURL ? text : nil) ?? Self.variable("TIBET_MUX_SERVER") ?? Convention.usualMuxServer
        guard let target else {
            throw UsageError(
                "--transport mux: the target names no agent",
                remedy: "write --to SERVER#AGENT, or name the agent with --mux-target")
        }
        return try server + "#" + AgentName.parse(target).name
    }

    private static func variable(_ name: String) -> String? {
        Composition.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}
