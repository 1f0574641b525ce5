internal import ArgumentParser
internal import CarrierIPoll
internal import Fabric
internal import HubClient

extension PollType: ExpressibleByArgument {
    public init?(argument: String) {
        let type = PollType(argument.uppercased())
        guard PollType.known.contains(type) else { return nil }
        self = type
    }

    public var defaultValueDescription: String { description }
    public static var allValueStrings: [String] { known.map(\.description) }
}

/// `tcd poll send`
struct PollSend: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Send a message to an agent.",
        discussion: """
            A server that is busy, or not there, is asked again within --timeout; to our hub it is one message, however \
            often it was sent. Without --timeout it is sent once, and exit status 75 says that trying again can help.
            """)

    @Argument(help: ArgumentHelp("The agent, with or without .aint.", valueName: "to"))
    var recipient: String

    @Argument(help: ArgumentHelp("The text.", valueName: "text"))
    var text: String

    @Option(name: .long, help: ArgumentHelp("PUSH, PULL, SYNC, TASK or ACK.", valueName: "type"))
    var type = PollType.push

    @Option(name: .long, help: ArgumentHelp("What programs read: a JSON object.", valueName: "json"))
    var metadata: String?

    @Option(name: .customLong("session-id"), help: ArgumentHelp("What the message is grouped by.", valueName: "id"))
    var group: String?

    @Option(name: .long, help: ArgumentHelp("The message that this one answers.", valueName: "id"))
    var replyTo: String?

    @Option(name: .long, help: ArgumentHelp("Who sends. Default: the agent of the identity's name.", valueName: "name"))
    var agent: String?

    @Option(name: .long, help: ArgumentHelp("Go on trying for this time.", valueName: "time"))
    var timeout: TimeSpan?

    @OptionGroup(title: "Server") var mailbox: MailboxOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var poll = OutgoingPoll(
            to: try AgentName.parse(recipient), text, type: type, metadata: try object(), session: group,
            answering: replyTo)
        // One for all attempts.
        poll.idempotencyKey = "poll-" + Hex.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) })
        let patience = Patience(try timeout.map { try Seconds.duration($0, of: "--timeout") })
        let (agent, requests) = try mailbox.requester(agent, output: output)
        let client = try IPollClient(server: mailbox.address(), agent: agent, configuration: requests)
        let message = poll
        let receipt = try await patience.ask { () throws(CarrierError) in try await client.push(message) }
        if output.json {
            Terminal.say(
                JSONLine([
                    ("event", "sent"), ("id", .text(receipt.id)), ("status", .text(receipt.status)),
                    ("type", .text(type.description)), ("from", .text(agent.name)),
                    ("to", .text(message.recipient.name)), ("delivery", .init(receipt.delivery)),
                ]))
        } else {
            Terminal.say(
                "✓ \(type) \(agent) → \(message.recipient)  id \(VerdictReport.shown(receipt.id))  "
                    + VerdictReport.shown(receipt.status))
        }
    }

    private func object() throws -> JSONObject {
        guard let metadata else { return JSONObject() }
        do throws(JSONFault) {
            if let object = try JSONValue(parsing: metadata).object { return object }
        } catch {
            throw UsageError("--metadata is \(error)")
        }
        throw UsageError("--metadata is no JSON object", remedy: "write for example '{\"urgent\": true}'")
    }
}
