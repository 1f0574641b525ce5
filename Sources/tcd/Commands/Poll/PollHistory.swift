internal import ArgumentParser
internal import CarrierIPoll
internal import Fabric

/// `tcd poll history`
struct PollHistory: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show what was sent to and by an agent.")

    @Option(name: .long, help: ArgumentHelp("Whose history. Default: that of the identity's name.", valueName: "name"))
    var agent: String?

    @Option(name: .long, help: ArgumentHelp("Show so many at most.", valueName: "n"))
    var limit = 20

    @Flag(name: .long, help: "Also show what the server has put away.")
    var includeArchived = false

    @Option(name: .customLong("session-id"), help: ArgumentHelp("Only this group.", valueName: "id"))
    var group: String?

    @OptionGroup(title: "Server") var mailbox: MailboxOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard limit > 0 else { throw UsageError("--limit must be greater than 0") }
        let (agent, requests) = try mailbox.requester(agent, output: output)
        let client = try IPollClient(server: mailbox.address(), agent: agent, configuration: requests)
        let pulled = try await client.proven(
            try await client.history(limit: limit, includeArchived: includeArchived, session: group))
        PollReport(json: output.json).tell(pulled.polls)
        if !output.json, pulled.polls.isEmpty { Terminal.note("no history of \(agent)") }
    }
}
