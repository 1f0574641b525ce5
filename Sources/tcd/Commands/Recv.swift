internal import ArgumentParser
internal import CarrierHTTP
internal import Fabric
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import SystemPackage

/// `tcd recv`
struct Recv: AsyncParsableCommand, ReportingCommand, EndsByItself {
    static let configuration = CommandConfiguration(
        abstract: "Receive envelopes over HTTP, verify them, and unpack them if asked.",
        discussion: """
            Listens until --count valid envelopes have come or --wait seconds are over. What is confirmed to a sender \
            is on stable storage in the inbox. Without --inbox the inbox is a temporary directory, which is removed at \
            the end unless --keep-inbox is given or something in it was not unpacked.

            With --unpack, envelopes of known senders are unpacked, each into a directory of its own if a name is \
            taken: those that are signed by the key pinned for the sender's name ('tcd trust add signer NAME KEY'), \
            and those of --from. Those of other signers stay in the inbox, are shown, and do not count, unless \
            --from-anyone is given; so do envelopes whose name contradicts their manifest, that are dated more than a \
            day ahead, that are addressed to another key than that of this machine's identity (unless --any-receiver \
            is given), or that were signed with another key than the pinned one. With --inbox, what lies there from an \
            earlier run and was not unpacked is taken first, by the pins as they are now.

            Who may deliver is set by TIBET_HTTP_REQUIRE_AUTH, TIBET_HTTP_TRUSTED_PUBKEYS and \
            TIBET_HTTP_MAX_SIG_AGE_SEC; it says nothing about whose envelopes are unpacked.

            Exit status: 0 as many valid envelopes came as asked for, 3 some did, 2 none, 130 interrupted.
            """)

    @Option(name: .long, help: ArgumentHelp("Stop after this time; 0 to wait for ever.", valueName: "time"))
    var wait: TimeSpan = 60

    @Option(name: .long, help: ArgumentHelp("Stop after so many valid envelopes.", valueName: "n"))
    var count = 1

    @Option(name: .long, help: ArgumentHelp("Keep what comes in this directory.", valueName: "dir"))
    var inbox: String?

    @Flag(name: .long, help: "Do not remove a temporary inbox.")
    var keepInbox = false

    @OptionGroup(title: "Unpacking") var unpacking: UnpackOptions
    @OptionGroup(title: "Listener") var listener: ListenerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard count > 0 else { throw UsageError("--count must be greater than 0") }
        let time = try Seconds.limit(wait, of: "--wait")
        // Everything that can be wrong with the call, before anything is made.
        let (configuration, reserve) = (try listener.configuration(), try listener.reserve())
        // Pins that cannot be read stop everything, and now.
        let rules = try unpacking.rules()
        unpacking.announce()
        let place = try InboxPlace(inbox, besides: unpacking.unpack, isKept: keepInbox)
        let server: HTTPListener
        let address: HTTPListenerAddress
        var reception: Reception
        do {
            let lane = try Lane(directory: place.directory, reserve: reserve)
            reception = Reception(
                place, by: rules, ledger: try TransferLedger(directory: place.directory.appending(".received")),
                reserve: reserve, output: output)
            if rules.target != nil, !place.isNew { try await reception.takeBacklog() }
            guard reception.done < count else { return }
            server = HTTPListener(configuration: configuration, lane: lane, logger: logger)
            address = try await server.start()
        } catch {
            place.close(everythingIsUnpacked: true)
            throw error
        }
        announce(address, place)
        let ending = Ending(after: time) { await server.stop() }
        for await arrival in server.arrivals {
            await reception.take(Candidate(arrival))
            // Whatever else was confirmed meanwhile is still taken: the stream ends when the listener has stopped.
            if reception.done >= count { ending.stop() }
        }
        let wasInterrupted = await ending.wait()
        place.close(everythingIsUnpacked: reception.unpacked == reception.arrived)
        guard reception.done < count else { return }
        if wasInterrupted { throw ExitStatus.interrupted.code }
        Terminal.note("\(reception.done) of \(count) came in \(wait) seconds")
        throw (reception.done == 0 ? ExitStatus.triage : .partly).code
    }

    /// With --verbose, refusals and failures of single requests are told as they happen.
    private var logger: Logger {
        guard output.verbose else { return Logger(label: "http") { _ in SwiftLogNoOpLogHandler() } }
        var logger = Logger(label: "http") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .debug
        return logger
    }

    private func announce(_ address: HTTPListenerAddress, _ place: InboxPlace) {
        guard output.json else {
            Terminal.note("listening on \(address), inbox '\(place.directory)'")
            return
        }
        Terminal.say(
            JSONLine([
                ("event", "listening"), ("url", .text(address.description)), ("port", .number(Int64(address.port))),
                ("inbox", .text(place.directory.string)),
            ]))
    }
}

/// Where received envelopes lie, and whether that is only for now.
struct InboxPlace {
    let directory: FilePath
    private let isTemporary: Bool
    /// Whether nothing can have come before.
    let isNew: Bool

    /// - Parameter besides: The directory that contents are unpacked to, whose disk is the one to use.
    init(_ inbox: String?, besides unpack: String?, isKept: Bool) throws {
        if let inbox {
            directory = FilePath(inbox)
            isTemporary = false
            isNew = false
            return
        }
        if let unpack { _ = try Lane(directory: FilePath(unpack)) }
        directory = try Directories.createUnique(".tcd-inbox-", in: unpack.map { FilePath($0) })
        isTemporary = !isKept
        isNew = true
    }

    /// Removes a temporary inbox if nothing is lost by that, and says where it is otherwise.
    func close(everythingIsUnpacked: Bool) {
        guard isTemporary else { return }
        if everythingIsUnpacked {
            try? FileManager.default.removeItem(atPath: directory.string)
        } else {
            Terminal.note("what was not unpacked is kept in '\(directory)'")
        }
    }
}
