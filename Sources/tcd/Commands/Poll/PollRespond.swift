internal import ArgumentParser
internal import CarrierIPoll
internal import Fabric
internal import HubClient

/// `tcd poll respond`
struct PollRespond: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "respond", abstract: "Answer a message, which the server then counts as responded.")

    @Argument(help: ArgumentHelp("The message's id, as 'poll pull' shows it.", valueName: "id"))
    var id: String

    @Argument(help: ArgumentHelp("The answer.", valueName: "text"))
    var text: String

    @Option(
        name: .long, help: ArgumentHelp("Who answers. Default: the agent of the identity's name.", valueName: "name"))
    var agent: String?

    @OptionGroup(title: "Server") var mailbox: MailboxOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (agent, requests) = try mailbox.requester(agent, output: output)
        let client = try IPollClient(server: mailbox.address(), agent: agent, configuration: requests)
        let answer = try await client.respond(to: id, with: text)
        let response = answer["response_id"]?.text
        if output.json {
            Terminal.say(
                JSONLine([
                    ("event", "responded"), ("id", .text(id)), ("from", .text(agent.name)),
                    ("response_id", .init(response)),
                ]))
        } else {
            let name = response.map { " as " + VerdictReport.shown($0) } ?? ""
            Terminal.say("✓ \(agent) answered \(VerdictReport.shown(id))\(name)")
        }
    }
}
