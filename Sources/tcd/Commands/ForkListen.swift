internal import ArgumentParser
internal import CarrierIPoll
internal import CarrierMux
internal import Fabric
internal import FoundationEssentials
internal import HubClient
internal import SystemPackage
internal import Triage

extension ForkCommand {
    /// `tcd fork listen`
    struct Listen: AsyncParsableCommand, ReportingCommand, EndsByItself {
        static let configuration = CommandConfiguration(
            commandName: "listen",
            abstract: "Take forks as they come, go on with them, and tell whoever handed them over.",
            discussion: """
                Forks come as messages and as sealed envelopes to the mailbox of --agent at a hub; with --inbox also, or \
                only, as envelopes in a directory ('tcd recv --inbox', a daemon's inbox, a directory that scp delivers \
                to), and with --http over HTTP into that directory. An envelope is answered with a sealed receipt.

                Of each, DIR gets ID.fork.json, exactly as it came, and ID.evidence.json: how it came, what holds (hash, \
                seal, expiry, actor, capabilities), what was done. A fork that does not hold is gone on with all the \
                same, unless --strict is given: then it is refused, or left to others where only this machine is not \
                what it asks for. The files that came with it are unpacked below DIR.

                COMMAND
                --exec takes the rest of the line. The command runs once for each fork, here, with this user's rights; \
                nothing keeps it from files or the network. Its last two arguments are the path of the token and that \
                of the files, empty where there are none; TIBET_FORK_TOKEN, TIBET_FORK_FILES, TIBET_FORK_EVIDENCE and \
                TIBET_FORK_STEM say the same. Nothing of a token is ever executed. The answer says whether the command \
                succeeded, and a hash: that of the UPIP stack, or the first line, that it left in the file \
                TIBET_FORK_RESULT; else the SHA-256 of what it printed.

                A fork is with one listener at a time, and is settled at the hub only after the answer was sent: one \
                that dies before, even by SIGKILL, takes its command with it, and another listener gets the fork when \
                the lease ends. A fork that comes twice is gone on with once; the second time its answer is repeated. \
                Without --exec forks are stored and settled, and 'tcd fork ack' answers them.

                EXIT STATUS
                  0  as many came as asked for, or time is up     3  fewer than asked for
                  2  none came, and some were asked for           130  interrupted
                """)

        @Option(
            name: .long,
            help: ArgumentHelp("The mailbox, and who goes on with forks. Default: this identity's.", valueName: "name"))
        var agent: String?

        @Option(
            name: [.short, .customLong("output-dir")], help: ArgumentHelp("Where forks are kept.", valueName: "dir"))
        var out: String

        @Option(
            name: .long,
            help: ArgumentHelp(
                "Take envelopes from this directory. The hub is then asked only if --ipoll-server is given.",
                valueName: "dir"))
        var inbox: String?

        @Option(
            name: .long,
            help: ArgumentHelp(
                "Take envelopes from the channels of --agent at this mux server as well.", valueName: "url"))
        var fromMux: String?

        @Flag(name: .long, help: "Receive envelopes over HTTP into --inbox.")
        var http = false

        @Flag(name: .long, help: "Do not go on with what does not hold.")
        var strict = false

        @Option(name: .long, help: ArgumentHelp("Stop after so many forks.", valueName: "n"))
        var count: Int?

        @Option(name: .long, help: ArgumentHelp("Stop after this time.", valueName: "time"))
        var duration: TimeSpan?

        @Option(
            name: .long,
            help: ArgumentHelp(
                "For how long the hub keeps a fork from others if this process dies.", valueName: "time"))
        var lease: TimeSpan = 60

        @Option(
            name: .long,
            help: ArgumentHelp("Kill the command after this time. Default: never.", valueName: "time"))
        var execTimeout: TimeSpan?

        @Option(
            name: .long,
            help: ArgumentHelp(
                "Where sealed receipts go. Default: the sender's mailbox at the hub, or the name that it claims.",
                valueName: "target"))
        var ackTo: String?

        @Option(name: .long, help: ArgumentHelp("The most that one envelope may unpack to.", valueName: "size"))
        var maxUnpacked = "64G"

        @Option(
            name: .long, parsing: .remaining,
            help: ArgumentHelp("What goes on with each fork: the rest of the line.", valueName: "command"))
        var exec: [String] = []

        @OptionGroup var python: PythonOption
        @OptionGroup(title: "HTTP inbox") var listener: ForkHTTPOptions
        @OptionGroup var dispatch: DispatchOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try check()
            let prepared = try dispatch.prepare(output: output)
            let listens = inbox == nil && fromMux == nil || dispatch.askedHub != nil
            let agent = try agent(for: prepared, isNeeded: listens || fromMux != nil)
            let folder = try await Blocking.run { try ForkFolder(FilePath(out)) }
            let desk = try await desk(folder, agent: agent, prepared)
            let span = try duration.map { try Seconds.duration($0, of: "--duration") }
            let forks = ForkListener(desk, wanted: count)
            var sources: [ForkListener.Source] = []
            if listens { sources += try await hubSources(agent ?? "", prepared, desk) }
            if let fromMux { sources.append(try await muxSource(fromMux, agent ?? "", prepared, desk)) }
            if let inbox { sources += try await inboxSources(FilePath(DispatchOptions.fromRoot(inbox)), desk) }
            announce(agent, folder)
            let ending = await forks.run(sources, for: span)
            try finish(ending, forks.count)
        }

        private func check() throws {
            try dispatch.check()
            if let count, count < 1 { throw UsageError("--count must be greater than 0") }
            guard !http || inbox != nil else { throw UsageError("--http needs --inbox") }
            guard lease >= 1, lease <= 3600 else { throw UsageError("--lease must be from 1 to 3600 seconds") }
            _ = try execTimeout.map { try Seconds.duration($0, of: "--exec-timeout") }
        }

        private func agent(for prepared: DispatchOptions.Prepared, isNeeded: Bool) throws -> String? {
            if let agent {
                guard MailboxName.isPlain(agent) else {
                    throw UsageError("'\(agent)' is no name of a mailbox", remedy: "use letters, digits, '-', '_', '.'")
                }
                return MailboxName.normalized(agent)
            }
            return isNeeded ? try AgentName.of(prepared.name).name : (try? AgentName.of(prepared.name))?.name
        }

        private func desk(
            _ folder: ForkFolder, agent: String?, _ prepared: DispatchOptions.Prepared
        ) async throws -> ForkDesk {
            guard let limit = Quantity.parseBytes(maxUnpacked), limit > 0 else {
                throw UsageError(
                    "--max-unpacked '\(maxUnpacked)' is not a size", remedy: "write for example 512M or 10G")
            }
            let ledger = try await Blocking.run {
                try TransferLedger(directory: folder.directory.appending(".received"))
            }
            let machine = await BlockingCall.run { [python] _ in Machine.survey(python: python.python) }
            let runner =
                exec.isEmpty
                ? nil
                : ForkRunner(
                    command: exec, timeLimit: try execTimeout.map { try Seconds.duration($0, of: "--exec-timeout") })
            return ForkDesk(
                folder: folder, ledger: ledger, machine: machine,
                orders: .init(
                    agent: agent, isStrict: strict, runner: runner, largestUnpacked: UInt64(limit),
                    receiptTarget: try ackTo.map { try dispatch.resolver.anchoredTarget($0) }),
                post: ForkPost(configuration: try dispatch.requests(for: prepared.sender)),
                receipts: ForkReceipts(prepared: prepared, output: output), reports: ForkReports(json: output.json),
                isStopping: StopFlag())
        }

        // MARK: - Where forks come from

        private func hubSources(
            _ agent: String, _ prepared: DispatchOptions.Prepared, _ desk: ForkDesk
        ) async throws -> [ForkListener.Source] {
            let server = try dispatch.hub()
            let client = try desk.post.client(at: server, as: agent)
            let span = try Seconds.duration(lease, of: "--lease")
            let state = try HostDirectories.current().state()
            let messages = await BlockingCall.run { _ in ForkMessages(client, lease: span, state: state) }
            let lane = try await Self.lane(of: desk.folder)
            var configuration = IPollCarrierConfiguration(
                sender: agent, requests: try dispatch.requests(for: prepared.sender))
            configuration.state = state.appending("ipoll")
            configuration.lease = span
            configuration.kinds = [.forkEnvelope]
            let carrier = IPollCarrier(configuration: configuration)
            let arrivals = ForkArrivals(
                carrier: carrier, route: Route(scheme: "ipoll", address: "\(server)#\(agent)"), lane: lane
            ) { path in Self.mailbox(ofSenderIn: path, at: server) }
            return [
                { take in try await ForkSource.run(messages.next, take) },
                { take in
                    // Only our hub can hold an envelope back from others.
                    guard try await client.features().isHub else { return try await ForkSource.never() }
                    try await ForkSource.run(arrivals.next, take)
                },
            ]
        }

        private func muxSource(
            _ server: String, _ agent: String, _ prepared: DispatchOptions.Prepared, _ desk: ForkDesk
        ) async throws -> ForkListener.Source {
            let server = try HubAddress(parsing: server).base
            let requests = try dispatch.requests(for: prepared.sender)
            var configuration = MuxCarrierConfiguration(signingKey: requests.signingKey)
            configuration.agent = agent
            configuration.leaseTime = try Seconds.duration(lease, of: "--lease")
            configuration.seenFile = desk.folder.directory.appending(".seen-frames")
            configuration.authorities = requests.authorities
            configuration.clientCertificate = requests.clientCertificate
            configuration.clientKey = requests.clientKey
            configuration.connectTime = requests.connectTime
            configuration.stallTime = requests.stallTime
            configuration.userAgent = requests.userAgent
            let arrivals = ForkArrivals(
                carrier: MuxCarrier(configuration: configuration),
                route: Route(scheme: "mux", address: "\(server)#\(agent)"), lane: try await Self.lane(of: desk.folder)
            ) { _ in nil }
            return { take in try await ForkSource.run(arrivals.next, take) }
        }

        /// Where envelopes of a hub are kept: apart from any inbox, since they are the hub's until they are settled.
        private static func lane(of folder: ForkFolder) async throws -> Lane {
            let place = folder.directory.appending("envelopes")
            return try await Blocking.run { try Lane(directory: place) }
        }

        /// The mailbox that the sender of an envelope claims, at the hub that brought it.
        private static func mailbox(ofSenderIn path: FilePath, at server: String) -> DeliveryTarget? {
            guard let name = try? EnvelopeFile(path: path).manifest.senderName, MailboxName.isPlain(name) else {
                return nil
            }
            return DeliveryTarget("\(server)#\(MailboxName.normalized(name))", transport: "ipoll")
        }

        private func inboxSources(_ inbox: FilePath, _ desk: ForkDesk) async throws -> [ForkListener.Source] {
            let lane = try await Blocking.run { [ledger = desk.ledger] in try ForkLane(inbox, ledger: ledger) }
            var sources: [ForkListener.Source] = [{ take in try await lane.run(take) }]
            if http { sources.append(try await listener.source(into: inbox, output: output)) }
            return sources
        }

        // MARK: - Telling

        private func announce(_ agent: String?, _ folder: ForkFolder) {
            guard output.json else {
                return Terminal.note(
                    "listening for forks\(agent.map { " of '\($0)'" } ?? ""), kept in '\(folder.directory)'")
            }
            Terminal.say(
                JSONLine([
                    ("event", "listening"), ("agent", .init(agent)), ("directory", .text(folder.directory.string)),
                ]))
        }

        private func finish(_ ending: ForkListener.Ending, _ taken: Int) throws {
            switch ending {
            case .enough: return
            case .failed(let error): throw error
            case .interrupted: throw ExitStatus.interrupted.code
            case .timeIsUp:
                guard let count else { return }
                Terminal.note("\(taken) of \(count) came in \(duration ?? 0) seconds")
                throw (taken == 0 ? ExitStatus.triage : .partly).code
            }
        }
    }
}

/// How sources go on.
enum ForkSource {
    /// Offers one after the other. What another attempt can help with is told once and tried again, after half a minute
    /// at the latest.
    static func run(
        _ next: () async throws -> OfferedFork, _ take: (OfferedFork) async -> ForkDesk.Outcome
    ) async throws {
        var failures = 0
        while !Task.isCancelled {
            let offer: OfferedFork
            do {
                offer = try await next()
                failures = 0
            } catch let error as CarrierError where error.isRetryable && !Task.isCancelled {
                if failures == 0 { Terminal.note("\(error); it is tried again") }
                failures += 1
                try await Task.sleep(for: min(.seconds(30), .milliseconds(250 << min(failures, 10))))
                continue
            }
            _ = await take(offer)
        }
    }

    /// Waits until the task is cancelled.
    static func never() async throws { while true { try await Task.sleep(for: .seconds(3600)) } }
}
