internal import ArgumentParser
internal import CarrierMux
internal import Fabric
internal import Resolver
internal import SystemPackage

/// `tcd mux-consumer`
struct MuxConsumer: AsyncParsableCommand, ReportingCommand, EndsByItself {
    static let configuration = CommandConfiguration(
        commandName: "mux-consumer",
        abstract: "Fetch envelopes from an agent's mailbox at a mux server.",
        discussion: """
            What is settled at the server is on stable storage in the inbox first. At our hub an envelope is held for \
            one consumer at a time, and offered again if that one dies. Another server offers everything again and \
            again: what was dealt with is remembered in mux-consumer-seen.json beside the inbox, the file of the peers' \
            daemon. In either case the inbox gets nothing twice.

            Frames that cannot be envelopes are passed over and told; so are frames that a server without leases showed \
            no more when it was asked.

            Exit status: 0 as many valid envelopes came as asked for, 3 some did, 2 none, 130 interrupted.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp("Whose mailbox to read; .aint at its end is left out.", valueName: "name"))
    var agent: String

    @Option(
        name: [.customLong("server"), .customLong("mux-server")],
        help: ArgumentHelp("The mux server. Default: $TIBET_MUX_SERVER, or http://localhost:8000.", valueName: "url"))
    var server: String?

    @Option(
        name: [.customLong("intent"), .customLong("mux-intent")],
        help: ArgumentHelp("Take only what was sent for this.", valueName: "intent"))
    var intent = MuxCarrierConfiguration().intent

    @OptionGroup(title: "Consumer") var consumer: ConsumerOptions

    @Option(
        name: .long,
        help: ArgumentHelp("How often a server is asked that cannot wait by itself.", valueName: "time"))
    var interval: TimeSpan = 1

    @OptionGroup(title: "Identity") var identity: IdentityOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try consumer.check()
        try connection.check()
        let agent = try AgentName.parse(agent)
        var configuration = try MuxOptions.configuration(connection, signedBy: try existingKey())
        configuration.intent = intent
        configuration.pollInterval = try Seconds.duration(interval, of: "--interval")
        configuration.seenFile = Self.seenFile(besides: FilePath(consumer.inbox))
        let isJSON = output.json
        configuration.report = { Self.tell($0, json: isJSON) }
        let route = Route(scheme: "mux", address: "\(serverAddress)#\(agent)")
        let loop = try Consumer(
            MuxCarrier(configuration: configuration), along: route, consumer, identity: try identity.directory(),
            output: output)
        try await loop.run()
    }

    private var serverAddress: String {
        let named = Composition.environment["TIBET_MUX_SERVER"].flatMap { $0.isEmpty ? nil : $0 }
        return server ?? named ?? Convention.usualMuxServer
    }

    /// The identity's key, where there is one: a server that asks for no signature lets anybody read.
    private func existingKey() throws -> SigningKey? {
        let directory = try identity.directory()
        do throws(IdentityError) {
            return try directory.load().key
        } catch {
            guard case .missing = error else { throw error }
            return nil
        }
    }

    /// Where the peers' daemon has it: in the folder of the inbox (`mux.md`, section 5.1).
    private static func seenFile(besides inbox: FilePath) -> FilePath {
        var place = inbox.lexicallyNormalized()
        if !place.isAbsolute { place = FilePath(".").pushing(place) }
        return place.removingLastComponent().appending("mux-consumer-seen.json")
    }

    private static func tell(_ notice: MuxNotice, json: Bool) {
        guard json else { return Terminal.complain(notice.description) }
        switch notice {
        case .frameRejected(let channel, let seq, let sender, let reason):
            Terminal.say(
                JSONLine([
                    ("event", "frame_rejected"), ("channel", .text(channel)), ("seq", .number(seq)),
                    ("sender", .init(sender)), ("reason", .text(reason)),
                ]))
        case .framesLost(let channel, let sender, let first, let count):
            Terminal.say(
                JSONLine([
                    ("event", "frames_lost"), ("channel", .text(channel)), ("sender", .init(sender)),
                    ("first_seq", .number(first)), ("count", .number(count)),
                ]))
        }
    }
}
