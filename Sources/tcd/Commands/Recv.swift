internal import ArgumentParser
internal import CarrierHTTP
internal import Fabric
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import SystemPackage

/// `tcd recv`
struct Recv: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Receive envelopes over HTTP, verify them, and unpack them if asked.",
        discussion: """
            Listens until --count valid envelopes have come or --wait seconds are over. What is confirmed to a sender \
            is on stable storage in the inbox. Without --inbox the inbox is a temporary directory, which is removed at \
            the end unless --keep-inbox is given or something in it was not unpacked.

            Only valid envelopes whose name does not contradict their manifest are unpacked, each into a directory of \
            its own if a name is taken. Who may deliver is set by TIBET_HTTP_REQUIRE_AUTH, TIBET_HTTP_TRUSTED_PUBKEYS \
            and TIBET_HTTP_MAX_SIG_AGE_SEC.

            Exit status: 0 as many valid envelopes came as asked for, 3 some did, 2 none, 130 interrupted.
            """)

    @Option(name: .long, help: ArgumentHelp("Stop after this time; 0 to wait for ever.", valueName: "seconds"))
    var wait = 60

    @Option(name: .long, help: ArgumentHelp("Stop after so many valid envelopes.", valueName: "n"))
    var count = 1

    @Option(name: .long, help: ArgumentHelp("Keep what comes in this directory.", valueName: "dir"))
    var inbox: String?

    @Flag(name: .long, help: "Do not remove a temporary inbox.")
    var keepInbox = false

    @Option(name: .long, help: ArgumentHelp("Unpack what is valid into this directory.", valueName: "dir"))
    var unpack: String?

    @OptionGroup(title: "Listener") var listener: ListenerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        guard count > 0 else { throw UsageError("--count must be greater than 0") }
        guard (0...Seconds.most).contains(wait) else {
            throw UsageError("--wait \(wait) is not a time to wait", remedy: "give 0 to \(Seconds.most) seconds")
        }
        let configuration = try listener.configuration()
        let reserve = try listener.reserve()
        let place = try InboxPlace(inbox, besides: unpack, isKept: keepInbox)
        let server: HTTPListener
        let address: HTTPListenerAddress
        do {
            let lane = try Lane(directory: place.directory, reserve: reserve)
            server = HTTPListener(configuration: configuration, lane: lane, logger: logger)
            address = try await server.start()
        } catch {
            place.close(everythingIsUnpacked: true)
            throw error
        }
        announce(address, place)
        let ending = Ending(stopping: server, after: wait)
        var reception = Reception(
            inbox: place.directory, unpackInto: unpack.map { FilePath($0) },
            pinnedKeys: configuration.authorization.trustedKeys, ledger: try place.ledger(), output: output)
        for await arrival in server.arrivals {
            await reception.take(arrival)
            // Whatever else was confirmed meanwhile is still taken: the stream ends when the listener has stopped.
            if reception.valid >= count { ending.stop() }
        }
        let wasInterrupted = await ending.wait()
        place.close(everythingIsUnpacked: reception.unpacked == reception.arrived)
        guard reception.valid < count else { return }
        if wasInterrupted { throw ExitStatus.interrupted.code }
        Terminal.note("\(reception.valid) of \(count) came in \(wait) seconds")
        throw (reception.valid == 0 ? ExitStatus.triage : .partly).code
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
    private let isNew: Bool

    /// - Parameter besides: The directory that contents are unpacked to, whose disk is the one to use.
    init(_ inbox: String?, besides unpack: String?, isKept: Bool) throws {
        if let inbox {
            directory = FilePath(inbox)
            isTemporary = false
            isNew = false
            return
        }
        let base = unpack ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        if let unpack { _ = try Lane(directory: FilePath(unpack)) }
        var template = Array((base + "/.tcd-inbox-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else {
            throw SystemFailure("cannot create an inbox in '\(base)'", Errno(rawValue: errno))
        }
        directory = FilePath(String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
        isTemporary = !isKept
        isNew = true
    }

    /// What came into this inbox before; nil for one that is new anyway.
    func ledger() throws -> TransferLedger? {
        isNew ? nil : try TransferLedger(directory: directory.appending(".received"))
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
