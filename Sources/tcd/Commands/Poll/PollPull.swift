internal import ArgumentParser
internal import CarrierIPoll
internal import Fabric
internal import HubClient

/// `tcd poll pull`
struct PollPull: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Show the messages that wait.",
        discussion: """
            Nothing is marked as read unless --mark-read is given; then what is shown is marked, and not given again. \
            Notifications of envelopes and fork tokens are shown like the others; with --mark-read they are lost to \
            'ipoll-consumer' and 'fork listen'.

            Exit status: 0 also when nothing waits.
            """)

    @Option(name: .long, help: ArgumentHelp("Whose mailbox. Default: that of the identity's name.", valueName: "name"))
    var agent: String?

    @Flag(name: .long, help: "Mark what is shown as read.")
    var markRead = false

    @Option(name: .long, help: ArgumentHelp("Show so many at most. Default: all; with --mark-read 50.", valueName: "n"))
    var limit: Int?

    @Option(
        name: .long,
        help: ArgumentHelp("When nothing waits, wait for this time, where the server can.", valueName: "time"))
    var wait: TimeSpan?

    @OptionGroup(title: "Server") var mailbox: MailboxOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        if let limit, limit < 1 { throw UsageError("--limit must be greater than 0") }
        let time = try wait.map { try Seconds.duration($0, of: "--wait") }
        let (agent, requests) = try mailbox.requester(agent, output: output)
        let client = try IPollClient(server: mailbox.address(), agent: agent, configuration: requests)
        let pulled = try await client.proven(try await pull(from: client, waiting: time))
        PollReport(json: output.json).tell(pulled.polls)
        if !output.json {
            Terminal.note(pulled.polls.isEmpty ? "no messages for \(agent)" : summary(pulled, agent.name))
        }
    }

    private func pull(from client: IPollClient, waiting time: Duration?) async throws -> PulledPolls {
        if let time, try await client.pull(markRead: false, limit: 1).polls.isEmpty {
            // A server waits for a minute at most.
            let deadline = ContinuousClock.now + time
            while ContinuousClock.now < deadline {
                let some = try await client.pull(
                    markRead: false, limit: 1, wait: min(.seconds(50), deadline - .now))
                guard some.polls.isEmpty, try await client.features().names.contains("wait") else { break }
            }
        }
        if markRead { return try await client.pull(markRead: true, limit: limit ?? IPollClient.pageSize) }
        return try await client.waiting(most: limit ?? 10_000)
    }

    private func summary(_ pulled: PulledPolls, _ agent: String) -> String {
        let count = Quantity.count(pulled.polls.count, "message") + " for \(agent)"
        return count + (markRead ? ", marked as read" : "") + (pulled.hasMore ? "; there may be more" : "")
    }
}
