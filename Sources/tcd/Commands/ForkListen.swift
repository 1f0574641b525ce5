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
                sender, expiry, actor, capabilities), what was done. A known sender's fork that fails a check is still \
                executed, unless --strict is given: then it is refused, or left to other listeners where only this \
                machine is not what it asks for. The files that came with it are unpacked below DIR.

                SENDERS
                A sender is known when its key is pinned ('tcd trust add signer NAME KEY'): the key that signed the \
                envelope, or by which the hub proved the sender of the message; and the token names the same sender. \
                --from narrows that to names, or adds keys; --from-anyone accepts every sender, which forks of the \
                Python clients need. Every other fork is kept in DIR, not opened, not executed and not answered; a \
                listener that is started over the same DIR after the key was pinned takes it up. Pins that cannot be \
                read stop the command.

                COMMAND
                --exec takes the rest of the line. The command runs once for each fork, here, with this user's rights; \
                nothing keeps it from files or the network. It gets a short environment (PATH, HOME, LANG and the like, \
                and what --env names). Its last two arguments are the path of the token and that \
                of the files, empty where there are none; TIBET_FORK_TOKEN, TIBET_FORK_FILES, TIBET_FORK_EVIDENCE and \
                TIBET_FORK_STEM say the same. Nothing of a token is ever executed. The answer says whether the command \
                succeeded, and a hash: that of the UPIP stack, or the first line, that it left in the file \
                TIBET_FORK_RESULT; else the SHA-256 of what it printed.

                A fork is with one listener at a time, and is settled at the hub only after the answer was sent: one \
                that dies before, even by SIGKILL, takes its command with it, and another listener gets the fork when \
                the lease ends. A fork that comes twice into one DIR is executed once; the second time its answer is \
                repeated. Where the listener died while the command ran, the answer is that its outcome is unknown. \
                Without --exec forks are stored and settled, and 'tcd fork ack' answers them.

                EXIT STATUS
                  0  as many known senders' forks came as asked for, or time is up
                  2  none came, and some were asked for     3  fewer than asked for
                  78 the pins cannot be read                130  interrupted
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
                "Where sealed receipts go. Default: the mailbox that the envelope was sent from, or a configured route "
                    + "to the name of a pinned signer.",
                valueName: "target"))
        var ackTo: String?

        @Option(name: .long, help: ArgumentHelp("The most that one envelope may unpack to.", valueName: "size"))
        var maxUnpacked = "64G"

        @Option(
            name: .long,
            help: ArgumentHelp(
                "Hand this variable of the environment on to the command as well. Repeatable.", valueName: "name"))
        var env: [String] = []

        @Option(
            name: .long, parsing: .remaining,
            help: ArgumentHelp("What goes on with each fork: the rest of the line.", valueName: "command"))
        var exec: [String] = []

        @OptionGroup(title: "Senders") var senders: SenderOptions
        @OptionGroup var receiver: ReceiverOptions
        @OptionGroup var python: PythonOption
        @OptionGroup(title: "HTTP inbox") var listener: ForkHTTPOptions
        @OptionGroup var dispatch: DispatchOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try check()
            let prepared = try dispatch.prepare(output: output)
            let listens = inbox == nil && fromMux == nil || dispatch.askedHub != nil
            let agent = try agent(for: prepared, isNeeded: listens || fromMux != nil)
            let trust = try await trust(for: prepared)
            let folder = try await Blocking.run { try ForkFolder(FilePath(out)) }
            let desk = try await desk(folder, agent: agent, prepared, trust)
            let span = try duration.map { try Seconds.duration($0, of: "--duration") }
            let forks = ForkListener(desk, wanted: count)
            let backlog = ForkBacklog(folder: folder, trust: trust)
            var sources: [ForkListener.Source] = [{ take in try await backlog.run(take) }]
            if listens { sources += try await hubSources(agent ?? "", prepared, desk) }
            if let fromMux { sources.append(try await muxSource(fromMux, agent ?? "", prepared, desk)) }
            if let inbox { sources += try await inboxSources(FilePath(DispatchOptions.fromRoot(inbox)), desk) }
            announce(agent, folder)
            senders.announce(exec.isEmpty ? "stored and unpacked" : "executed")
            let ending = await forks.run(sources, for: span)
            try finish(ending, forks.count)
        }

        private func check() throws {
            try dispatch.check()
            if let count, count < 1 { throw UsageError("--count must be greater than 0") }
            guard !http || inbox != nil else { throw UsageError("--http needs --inbox") }
            guard lease >= 1, lease <= 3600 else { throw UsageError("--lease must be from 1 to 3600 seconds") }
            _ = try execTimeout.map { try Seconds.duration($0, of: "--exec-timeout") }
            for name in env where name.isEmpty || name.contains("=") {
                throw UsageError("--env '\(name)' is not the name of a variable")
            }
        }

        /// Who is believed. Pins that cannot be read stop the command before anything is taken.
        private func trust(for prepared: DispatchOptions.Prepared) async throws -> ForkTrust {
            let receiver: TrustPolicy.Receiver = receiver.anyReceiver ? .any : .identity(prepared.sender.publicKey)
            return try await Blocking.run { [senders] in try ForkTrust(receiver: receiver, choosing: senders) }
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
            _ folder: ForkFolder, agent: String?, _ prepared: DispatchOptions.Prepared, _ trust: ForkTrust
        ) async throws -> ForkDesk {
            guard let limit = Quantity.parseBytes(maxUnpacked), limit > 0 else {
                throw UsageError(
                    "--max-unpacked '\(maxUnpacked)' is not a size", remedy: "write for example 512M or 10G")
            }
            let ledger = try await Blocking.run {
                try TransferLedger(directory: folder.directory.appending(".received"))
            }
            let machine = await BlockingCall.run { [python] _ in Machine.survey(python: python.python) }
            let reports = ForkReports(json: output.json)
            return ForkDesk(
                folder: folder, ledger: ledger,
                reader: ForkReader(
                    folder: folder, ledger: ledger, trust: trust, largestUnpacked: UInt64(limit),
                    note: { reports.note($0) }),
                machine: machine, orders: .init(agent: agent, isStrict: strict, runner: try runner()),
                answers: ForkAnswers(
                    post: ForkPost(configuration: try dispatch.requests(for: prepared.sender)),
                    receipts: ForkReceipts(prepared: prepared, output: output),
                    receiptTarget: try ackTo.map { try dispatch.resolver.anchoredTarget($0) }, reports: reports),
                reports: reports, isStopping: StopFlag())
        }

        /// What executes forks; nil where nothing does.
        private func runner() throws -> ForkRunner? {
            guard !exec.isEmpty else { return nil }
            let names = ForkRunner.handedOn.union(env)
            return ForkRunner(
                command: exec, timeLimit: try execTimeout.map { try Seconds.duration($0, of: "--exec-timeout") },
                environment: LocalProgram.ownEnvironment().filter { names.contains($0.key) })
        }

        // MARK: - Where forks come from

        private func hubSources(
            _ agent: String, _ prepared: DispatchOptions.Prepared, _ desk: ForkDesk
        ) async throws -> [ForkListener.Source] {
            let server = try dispatch.hub()
            let client = try desk.answers.post.client(at: server, as: agent)
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
                carrier: carrier, route: Route(scheme: "ipoll", address: "\(server)#\(agent)"), lane: lane, hub: server)
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
            if let intent = dispatch.carriers.mux.intent { configuration.intent = intent }
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
                route: Route(scheme: "mux", address: "\(server)#\(agent)"), lane: try await Self.lane(of: desk.folder),
                hub: nil)
            return { take in try await ForkSource.run(arrivals.next, take) }
        }

        /// Where envelopes of a hub are kept: apart from any inbox, since they are the hub's until they are settled.
        private static func lane(of folder: ForkFolder) async throws -> Lane {
            let place = folder.directory.appending("envelopes")
            return try await Blocking.run { try Lane(directory: place) }
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
