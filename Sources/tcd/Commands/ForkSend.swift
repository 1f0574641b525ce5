internal import ArgumentParser
internal import Fabric
internal import HubClient
internal import Resolver
internal import SystemPackage
internal import Triage

extension ForkCommand {
    /// `tcd fork send`
    struct Send: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "send", abstract: "Hand a fork token over.",
            discussion: """
                To a mailbox (--to AGENT, or a name with --transport ipoll) the token goes as the message that \
                'tibet-triage' sends and reads, with its file after it. It is there when this returns, or it is not: \
                --timeout goes on trying.

                With files (--with), with --sealed, and over every other transport it goes as an envelope that you sign, \
                through the outbox, as with 'tcd send': the token and the files in one directory. The receiver can prove \
                who handed over what, and answers with a sealed receipt ('tcd receipt record').

                A token whose hash does not hold is not sent.
                """)

        @Argument(help: ArgumentHelp("The token.", valueName: "file"), completion: .file())
        var file: String

        @OptionGroup(title: "Delivery") var delivery: DeliveryOptions

        @Option(name: .long, parsing: .upToNextOption, help: ArgumentHelp("What goes with it.", valueName: "path"))
        var with: [String] = []

        @Flag(name: .long, help: "Send an envelope even if a message would do.")
        var sealed = false

        @Option(
            name: .long,
            help: ArgumentHelp(
                "The mailbox to send from. Default: the token's actor_from, or this identity's name.", valueName: "name"
            ))
        var fromAgent: String?

        @OptionGroup(title: "Envelope") var addressee: AddresseeOptions
        @OptionGroup var dispatch: DispatchOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try delivery.check()
            try dispatch.check()
            let (file, with) = (file, with)
            let (token, bytes, found) = try await Blocking.run {
                let (token, bytes) = try ForkToken.read(FilePath(file))
                let bare = Machine(host: "", packages: [:], python: "", gpuDevices: [])
                return (token, bytes, ForkExamination(token, agent: nil, machine: bare))
            }
            if found.showsTampering {
                throw ForkFileError.content(file, .hashMismatch(stated: token.statedHash ?? "", computed: token.hash))
            }
            if found.outcome(of: .expired) == .fail { Terminal.note("the fork has expired") }
            if isMessage {
                try await sendMessage(token, bytes)
            } else {
                try await sendEnvelope(token, bytes, with)
            }
        }

        private var isAgent: Bool { MailboxName.isPlain(delivery.to) }

        /// Whether the peers' message does all that was asked for.
        private var isMessage: Bool {
            guard with.isEmpty, !sealed else { return false }
            guard let transport = delivery.chosenTransport else { return isAgent }
            return transport == "ipoll"
        }

        // MARK: - As a message

        private func sendMessage(_ token: ForkToken, _ bytes: [UInt8]) async throws {
            guard !delivery.queue, delivery.expires == nil else {
                throw UsageError("a message does not wait in the outbox", remedy: "leave it out, or give --sealed")
            }
            let prepared = try dispatch.prepare(output: output)
            let sender = try sender(of: token, prepared)
            let (server, receiver) = try await mailbox(prepared)
            let message = ForkDelivery(token, from: sender, to: receiver)
            if delivery.dryRun { return tell(token, message, server, id: nil) }
            let post = ForkPost(configuration: try dispatch.requests(for: prepared.sender))
            let deadline = try delivery.waitingTime().map { ContinuousClock.now + $0 }
            let key = "fork-\(TransferID.generate())"
            var pause = Duration.milliseconds(250)
            while true {
                do throws(CarrierError) {
                    let id = try await post.send(message, bytes: bytes, hub: server, key: key)
                    return tell(token, message, server, id: id)
                } catch {
                    guard error.isRetryable, let deadline, ContinuousClock.now + pause < deadline else { throw error }
                }
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(10))
            }
        }

        private func sender(of token: ForkToken, _ prepared: DispatchOptions.Prepared) throws -> String {
            if let fromAgent { return try AgentName.parse(fromAgent).name }
            if MailboxName.isPlain(token.actorFrom) { return token.actorFrom }
            return try AgentName.of(prepared.name).name
        }

        /// The hub and the mailbox that the target means.
        private func mailbox(_ prepared: DispatchOptions.Prepared) async throws -> (server: String, agent: String) {
            if isAgent, dispatch.askedHub != nil || !delivery.to.contains(".") {
                return (try dispatch.hub(), delivery.to)
            }
            let target = try dispatch.resolver.target(delivery.to, transport: "ipoll")
            let plan = try await prepared.resolver.plan(for: target)
            for notice in plan.notices { Terminal.note(notice) }
            for planned in plan.routes where planned.route.scheme == "ipoll" {
                let parts = planned.route.address.split(separator: "#", maxSplits: 1).map(String.init)
                if parts.count == 2 { return (parts[0], parts[1]) }
            }
            throw UsageError("'\(delivery.to)' has no mailbox", remedy: "give an agent's name and --ipoll-server")
        }

        private func tell(_ token: ForkToken, _ message: ForkDelivery, _ server: String, id: String?) {
            if output.json {
                let fields: [(String, JSONLine.Value)] = [
                    ("event", "fork-sent"), ("state", .text(id == nil ? "dry-run" : "accepted")),
                    ("carrier", "ipoll"), ("hub", .text(server)), ("from_agent", .text(message.sender)),
                    ("to_agent", .text(message.receiver)), ("poll_id", .init(id)),
                ]
                return Terminal.say(JSONLine(fields + ForkReport.fields(token)))
            }
            let name = VerdictReport.shown(token.id)
            Terminal.say(
                id.map { "✓ handed \(name) over to \(message.receiver) at \(server) as \(VerdictReport.shown($0))" }
                    ?? "  dry run: \(name) would go to \(message.receiver) at \(server)")
        }

        // MARK: - As an envelope

        private func sendEnvelope(_ token: ForkToken, _ bytes: [UInt8], _ with: [String]) async throws {
            var delivery = delivery
            if isAgent, let transport = delivery.chosenTransport, ["ipoll", "mux"].contains(transport) {
                let server = try transport == "mux" ? dispatch.muxServer() : dispatch.hub()
                delivery.to = "\(server)#\(MailboxName.normalized(delivery.to))"
            } else if isAgent, delivery.chosenTransport == nil, !delivery.to.contains(".") {
                delivery.transport = "ipoll"
                delivery.to = "\(try dispatch.hub())#\(MailboxName.normalized(delivery.to))"
            }
            var courier = try Courier(delivery, dispatch, output: output)
            courier.headline = "✓ fork \(VerdictReport.shown(token.id)) → \(delivery.to)"
            let moment = Timestamp.now()
            let surface = try SurfaceBuilder(
                time: .second, context: Self.context(of: token), profile: "claude", priority: "normal"
            ).surface(at: moment)
            var options = SealOptions(senderName: courier.senderName)
            options.time = moment
            options.transferID = .generate(at: moment)
            options.surface = ManifestSurface(surface)
            options.payloadType = ForkParcel.payloadType
            try addressee.apply(to: &options)
            let scratch = try Scratch()
            defer { scratch.remove() }
            let parcel = try await Blocking.run {
                try ForkParcel.layOut(token, bytes: bytes, with: with, in: scratch.directory)
            }
            try await courier.send(.content(.path(parcel.string), surface, options))
        }

        /// What the envelope's name says that it is about.
        private static func context(of token: ForkToken) -> String {
            let stem = ForkName.stem(of: token)
            let digits = stem.hasPrefix(ForkSurface.contextPrefix) ? String(stem.dropFirst(5)) : stem
            return ForkSurface.contextPrefix + ReferencedEnvelope(name: digits).shortID
        }
    }
}
