internal import Fabric
internal import HubClient
internal import Resolver

/// What somebody's name is at a server of mailboxes.
enum AgentName {
    /// The agent of an identity's name: a plain name or an `.aint` name is the agent's own; of
    /// `jis:ORG:SERVICE@HOST` it is the host, since that is where the convention looks for such a receiver.
    static func of(_ name: String) throws -> HubAgent {
        if let agent = HubAgent(name) { return agent }
        if let host = try? JISName(parsing: name).host, let agent = HubAgent(host.lookupName) { return agent }
        throw UsageError("the sender's name '\(name)' is no agent's", remedy: "name the agent with --agent")
    }

    /// The agent of that name, as it was typed.
    static func parse(_ text: String) throws -> HubAgent {
        guard let agent = HubAgent(text) else {
            throw UsageError(
                "'\(text.prefix(100))' is no agent's name",
                remedy: "an agent has letters, digits, '-', '_' and dots, with or without .aint")
        }
        return agent
    }
}
