internal import ArgumentParser
internal import Fabric
internal import HTTPClient
internal import HubClient
internal import SystemPackage

extension HubCommand {
    /// Connections to hubs as the options say, with requests signed by `key`; nil to sign none.
    static func connections(signedBy key: SigningKey?, _ connection: ConnectionOptions) throws -> HubConnections {
        var configuration = HubClientConfiguration(signingKey: key)
        configuration.http.authorities = connection.authorities.map { FilePath($0) }
        configuration.http.clientCertificate = connection.clientCertificate.map { FilePath($0) }
        configuration.http.clientKey = connection.clientKey.map { FilePath($0) }
        configuration.http.connectTime = try connection.connectTime()
        configuration.http.stallTime = try connection.stallTime()
        configuration.http.userAgent = "tcd/" + Version.number
        return HubConnections(configuration: configuration)
    }

    /// `tcd hub register`
    struct Register: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register an agent's name at a hub, with the key of this identity.",
            discussion: """
                From then on the hub gives that agent's mailbox to nobody else, and takes nothing from others in its \
                name. Whoever registers a name first has it. The same key may register again, to replace its record.

                Exit status: 0 registered, 69 the hub cannot be reached, 77 the name belongs to another key.
                """)

        @Argument(help: ArgumentHelp("The agent. Default: that of the identity's name.", valueName: "agent"))
        var agent: String?

        @Option(
            name: .long,
            help: ArgumentHelp("The hub. Default: $TIBET_HUB_URL, or http://127.0.0.1:8000.", valueName: "url"))
        var url: String?

        @Option(
            name: .customLong("route"),
            help: ArgumentHelp("A way to this agent, for those who look it up. Can be repeated.", valueName: "route"))
        var routes: [String] = []

        @Option(
            name: .customLong("capability"),
            help: ArgumentHelp("Something that this agent can do. Can be repeated.", valueName: "word"))
        var capabilities: [String] = []

        @OptionGroup(title: "Identity") var identity: IdentityOptions
        @OptionGroup(title: "Connection") var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try connection.check()
            let address = try HubAddress(
                parsing: url ?? HubOptions.variable("TIBET_HUB_URL") ?? "http://127.0.0.1:8000")
            let named = try agent.map { try AgentName.parse($0) }
            let sender = try identity.loadOrCreate(output: output)
            let agent = try named ?? AgentName.of(identity.name(of: sender))
            let hub = try HubCommand.connections(signedBy: sender.key, connection).client(
                at: address, as: agent, purpose: "cannot register '\(agent)' at '\(address)'")
            var record: JSONObject = [
                "agent": .text(agent.name), "public_key": .text(sender.publicKey.hex), "owner": .text(sender.name),
            ]
            if !routes.isEmpty { record["routes"] = .texts(routes) }
            if !capabilities.isEmpty { record["capabilities"] = .texts(capabilities) }
            let answer = try await hub.ask(.post, "/api/ains/register", .object(record))
            _ = try hub.object(answer)
            tell(agent, address, sender.publicKey, isNew: answer.status == 201)
        }

        private func tell(_ agent: HubAgent, _ address: HubAddress, _ key: PublicKey, isNew: Bool) {
            guard !output.json else {
                return Terminal.say(
                    JSONLine([
                        ("event", "registered"), ("agent", .text(agent.name)), ("hub", .text(address.base)),
                        ("public_key", .text(key.hex)), ("new", .flag(isNew)),
                    ]))
            }
            Terminal.say("\(agent) is registered at \(address) with \(key.hex)")
        }
    }
}
