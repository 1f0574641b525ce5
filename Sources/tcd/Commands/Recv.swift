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

            With --inbox and --unpack, what lies there from an earlier run and was not unpacked is taken first. \
            Only valid envelopes whose name does not contradict their manifest are unpacked, each into a directory of \
            its own if a name is taken. One that was signed with another key than the one pinned for its sender's name \
            ('tcd trust') stays in the inbox, and does not count. Who may deliver is set by TIBET_HTTP_REQUIRE_AUTH, TIBET_HTTP_TRUSTED_PUBKEYS \
            and TIBET_HTTP_MAX_SIG_AGE_SEC.

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

    @Option(name: .long, help: ArgumentHelp("Unpack what is valid into this directory.", valueName: "dir"))
    var unpack: String?

    @Option(
        name: .long,
        help: ArgumentHelp("The most that one envelope may unpack to.", valueName: "size"))
    var maxUnpacked = "64G"

    @OptionGroup var pins: PinOptions
    @OptionGroup(title: "Listener") var listener: ListenerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard count > 0 else { throw UsageError("--count must be greater than 0") }
        let time = try Seconds.limit(wait, of: "--wait")
        // Everything that can be wrong with the call, before anything is made.
        let (configuration, reserve, limit) = (
            try listener.configuration(), try listener.reserve(), try largestUnpacked()
        )
        // Pins that cannot be read stop everything, and now.
        _ = try pins.signers()
        let place = try InboxPlace(inbox, besides: unpack, isKept: keepInbox)
        let server: HTTPListener
        let address: HTTPListenerAddress
        var reception: Reception
        do {
            let lane = try Lane(directory: place.directory, reserve: reserve)
            reception = Reception(
                place, unpackInto: unpack.map { FilePath($0) }, pinnedKeys: configuration.authorization.trustedKeys,
                pins: pins, ledger: try TransferLedger(directory: place.directory.appending(".received")),
                reserve: reserve,
                largestUnpacked: limit, output: output)
            if unpack != nil, !place.isNew { try await reception.takeBacklog() }
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

    private func largestUnpacked() throws -> UInt64 {
        guard let size = Quantity.parseBytes(maxUnpacked), size > 0 else {
            throw UsageError("--max-unpacked '\(maxUnpacked)' is not a size", remedy: "write for example 512M or 10G")
        }
        return UInt64(size)
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
