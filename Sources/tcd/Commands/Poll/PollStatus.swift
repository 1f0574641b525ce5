internal import ArgumentParser
internal import CarrierIPoll
internal import Fabric
internal import HubClient

/// `tcd poll status`
struct PollStatus: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Ask an I-Poll server how it is.")

    @Option(name: .long, help: ArgumentHelp("Who asks. Default: the agent of the identity's name.", valueName: "name"))
    var agent: String?

    @OptionGroup(title: "Server") var mailbox: MailboxOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let (agent, requests) = try mailbox.requester(agent, output: output)
        let client = try IPollClient(server: mailbox.address(), agent: agent, configuration: requests)
        let status = try await client.status()
        if output.json {
            var line: JSONObject = ["event": "status", "server": .text(client.server.base)]
            for (key, value) in status.raw.members where line[key] == nil { line[key] = value }
            return Terminal.say(line)
        }
        Terminal.say("\(client.server): \(VerdictReport.shown(status.status))")
        if let program = status.program { Terminal.say("  program   \(VerdictReport.shown(program))") }
        let features = status.features.names.sorted().map(VerdictReport.shown).joined(separator: ", ")
        Terminal.say("  features  \(features.isEmpty ? "those of the peers' servers" : features)")
        if let largest = status.features.largestMessage { Terminal.say("  largest   \(Quantity.bytes(largest))") }
        for (key, label) in [("agents", "agents"), ("pending_polls", "waiting"), ("total_polls", "messages")] {
            if let number = status.raw[key]?.integer { Terminal.say("  \(label.padded(to: 8))  \(number)") }
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
