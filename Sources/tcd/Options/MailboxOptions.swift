internal import ArgumentParser
internal import CarrierIPoll
internal import Fabric
internal import HubClient

/// Whose mailbox at which server, and who asks.
struct MailboxOptions: ParsableArguments {
    @Option(
        name: [.customLong("server"), .customLong("ipoll-server")],
        help: ArgumentHelp("The I-Poll server. Default: $IPOLL_API_URL, or http://localhost:8000.", valueName: "url"))
    var server: String?

    @OptionGroup(title: "Identity") var identity: IdentityOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var session: SessionOptions

    /// The server that peers' commands ask when nobody names one (`ipoll.md`, section 1).
    private static let usualServer = "http://localhost:8000"

    /// The server's address.
    func address() throws -> HubAddress {
        let named = Composition.environment["IPOLL_API_URL"].flatMap { $0.isEmpty ? nil : $0 }
        return try HubAddress(parsing: server ?? named ?? Self.usualServer)
    }

    /// Who asks, and with which key.
    ///
    /// - Parameter agent: The agent that was named; nil for that of the identity, which is made when there is none.
    func requester(_ agent: String?, output: OutputOptions) throws -> (agent: HubAgent, requests: IPollConfiguration) {
        try connection.check()
        let named = try agent.map { try AgentName.parse($0) }
        let sender: Identity?
        if named == nil {
            sender = try identity.loadOrCreate(output: output)
        } else {
            sender = try existing()
        }
        let requests = try session.requests(connection, signedBy: sender?.key)
        if let named { return (named, requests) }
        guard let sender else {
            throw UsageError("nobody is named who could ask", remedy: "name the agent with --agent")
        }
        return (try AgentName.of(identity.name(of: sender)), requests)
    }

    /// The identity, where there is one: whoever names an agent may ask without a key, where a server lets them.
    private func existing() throws -> Identity? {
        let directory = try identity.directory()
        do throws(IdentityError) {
            return try directory.load()
        } catch {
            guard case .missing = error else { throw error }
            return nil
        }
    }
}
