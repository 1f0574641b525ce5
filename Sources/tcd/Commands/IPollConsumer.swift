internal import ArgumentParser
internal import CarrierIPoll
internal import Fabric
internal import HubClient
internal import SystemPackage

/// `tcd ipoll-consumer`
struct IPollConsumer: AsyncParsableCommand, ReportingCommand, EndsByItself {
    static let configuration = CommandConfiguration(
        commandName: "ipoll-consumer",
        abstract: "Fetch envelopes from a mailbox of an I-Poll server.",
        discussion: """
            What is settled at the server is on stable storage in the inbox first. At our hub an envelope is held for \
            one consumer at a time, and offered again if that one dies; what was taken once is not put into the inbox \
            again.

            A message that names an envelope and does not bring it is written down in INBOX/.references as \
            'referenced'. When an envelope of that digest (or name, where none is announced) is in the inbox, by \
            whatever way it came, the record says 'present'. It never says more: 'tcd verify' tells whether it is good. \
            What envelope_ref points to is never opened.

            Exit status: 0 as many valid envelopes came as asked for, 3 some did, 2 none, 130 interrupted.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp("Whose mailbox to read. Default: that of the identity's name.", valueName: "name"))
    var agent: String?

    @OptionGroup(title: "Consumer") var consumer: ConsumerOptions

    @Option(
        name: .long,
        help: ArgumentHelp("How often a server is asked that cannot wait by itself.", valueName: "time"))
    var interval: TimeSpan = 2

    @OptionGroup(title: "Server") var mailbox: MailboxOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try consumer.check()
        let interval = try Seconds.duration(interval, of: "--interval")
        let server = try mailbox.address()
        let (agent, requests) = try mailbox.requester(agent, output: output)
        var configuration = IPollCarrierConfiguration(sender: agent.name, requests: requests)
        configuration.interval = interval
        configuration.state = try HostDirectories.current().state().appending("ipoll")
        let references = ReferenceBook(ofInbox: FilePath(consumer.inbox))
        let report = ReferenceReport(json: output.json)
        configuration.references = references
        configuration.noteReference = { report.tell($0) }
        let route = Route(scheme: "ipoll", address: "\(server)#\(agent)")
        var loop = try Consumer(
            IPollCarrier(configuration: configuration), along: route, consumer,
            identity: try mailbox.identity.directory(), output: output)
        loop.afterwards = { publication in await Self.match(publication, references, report) }
        let lane = loop.inbox
        let looking = Task { await Self.look(in: lane, references, every: interval, report) }
        defer { looking.cancel() }
        try await loop.run()
    }

    /// Whether what has just come is what a message spoke of.
    private static func match(
        _ publication: Publication, _ references: ReferenceBook, _ report: ReferenceReport
    ) async {
        do throws(SystemFailure) {
            let found = try await BlockingCall.run { _ throws(SystemFailure) in
                try references.note(
                    publication.requestedName, storedAs: publication.storedName, digest: publication.digest)
            }
            for reference in found { report.tell(reference) }
        } catch {
            Terminal.note("cannot note which reference it belongs to: \(error)")
        }
    }

    /// Looks now and then whether what messages spoke of has come by another way.
    private static func look(
        in lane: Lane, _ references: ReferenceBook, every interval: Duration, _ report: ReferenceReport
    ) async {
        repeat {
            do throws(LaneError) {
                let found = try await BlockingCall.run { _ throws(LaneError) in try references.look(in: lane) }
                for reference in found { report.tell(reference) }
            } catch {
                Terminal.note("cannot look for what was referenced: \(error)")
                return
            }
        } while (try? await Task.sleep(for: interval)) != nil
    }
}
