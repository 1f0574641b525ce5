internal import ArgumentParser
internal import Fabric
internal import HubClient
internal import SystemPackage
internal import Triage

extension ForkCommand {
    /// `tcd fork ack`
    struct Acknowledge: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "ack", abstract: "Tell whoever handed a fork over what became of it.",
            discussion: """
                The answer goes back the way the fork came, as ID.evidence.json beside the token has it: to the mailbox \
                that the hub proved as its sender; of an unproven message to that of the token's actor_from, or of the \
                message's sender where actor_from is not a mailbox. For a fork that came in an envelope a sealed receipt \
                goes to --to, to the mailbox that the envelope was sent from, or by a configured route to the name of a \
                pinned signer.
                """)

        @Argument(
            help: ArgumentHelp("The token, where 'tcd fork listen' stored it.", valueName: "fork"), completion: .file())
        var fork: String

        @Flag(name: .customLong("success"), help: "It was gone on with.")
        var success = false

        @Flag(name: .customLong("failed"), help: "It was not gone on with, or in vain.")
        var failed = false

        @Option(name: .long, help: ArgumentHelp("The hash of what came of it.", valueName: "hash"))
        var resumeHash: String?

        @Option(
            name: .long, help: ArgumentHelp("Whom to tell: a mailbox; for a receipt, a target.", valueName: "target"))
        var to: String?

        @Option(
            name: .long,
            help: ArgumentHelp("The mailbox to answer from. Default: the one that it came to.", valueName: "name"))
        var agent: String?

        @Option(
            name: .long,
            help: ArgumentHelp("Seal a receipt for this envelope, in which the fork came.", valueName: "file"))
        var envelope: String?

        @OptionGroup var dispatch: DispatchOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard success != failed else { throw UsageError("give either --success or --failed") }
            guard failed || resumeHash != nil else { throw UsageError("--success needs --resume-hash") }
            try dispatch.check()
            let path = FilePath(fork)
            let (token, _) = try await Blocking.run { try ForkToken.read(path) }
            let evidencePath = ForkFolder.companion(of: path, "evidence.json")
            let found = try await Blocking.run {
                try ReplaceableFile.read(evidencePath, atMost: ForkToken.largestFile).flatMap {
                    ForkEvidence(parsing: $0)
                }
            }
            let evidence = found?.forkHash == token.hash ? found : nil
            let prepared = try dispatch.prepare(output: output)
            let source = Source(evidence?.origin, envelope: envelope)
            let answer = ForkAnswer(
                to: token, success ? .resumed : .failed, resumeHash: resumeHash ?? "",
                by: try sender(token, evidence, source, prepared))
            let (receiver, id) = try await send(answer, token, source, prepared)
            if var evidence {
                evidence.noteAnswer(answer.status, to: receiver, as: id)
                let text = evidence.fileText
                try await Blocking.run { try ReplaceableFile.replace(evidencePath, with: Array(text.utf8)) }
            }
            tell(answer, receiver, id)
        }

        /// How the fork came, as far as the answer depends on it.
        private enum Source {
            case envelope(FilePath, mailbox: DeliveryTarget?)
            case message(sender: String?, isProven: Bool, hub: String?)

            init(_ origin: ForkEvidence.Origin?, envelope: String?) {
                switch (envelope, origin) {
                case (let envelope?, _): self = .envelope(FilePath(envelope), mailbox: nil)
                case (nil, .envelope(let path, _, _, _, _, _, let mailbox)):
                    self = .envelope(
                        FilePath(path),
                        mailbox: mailbox.flatMap { OfferedFork.Mailbox(hub: $0.hub, agent: $0.agent).target })
                case (nil, .message(_, let sender, let key, let hub, _)):
                    self = .message(sender: sender, isProven: key != nil, hub: hub)
                case (nil, nil): self = .message(sender: nil, isProven: false, hub: nil)
                }
            }

            var isSealed: Bool { if case .envelope = self { true } else { false } }
        }

        private func sender(
            _ token: ForkToken, _ evidence: ForkEvidence?, _ source: Source, _ prepared: DispatchOptions.Prepared
        ) throws -> String {
            if let agent { return try AgentName.parse(agent).name }
            let known = [evidence?.agent ?? "", token.actorTo].first(where: MailboxName.isPlain)
            if let known { return MailboxName.normalized(known) }
            return source.isSealed ? prepared.name : try AgentName.of(prepared.name).name
        }

        /// Sends the answer; returns to whom, and what it is called there.
        private func send(
            _ answer: ForkAnswer, _ token: ForkToken, _ source: Source, _ prepared: DispatchOptions.Prepared
        ) async throws -> (receiver: String, id: String) {
            switch source {
            case .envelope(let path, let mailbox):
                let (envelope, manifest) = try await Blocking.run {
                    (try ReferencedEnvelope(file: path), try EnvelopeFile(path: path).manifest)
                }
                let receipts = ForkReceipts(prepared: prepared, output: output)
                var target = try to.map { try dispatch.resolver.anchoredTarget($0) } ?? mailbox
                if target == nil, try await Self.isPinned(manifest) {
                    target = await receipts.target(ofPinned: manifest.senderName)
                }
                guard let target else {
                    throw UsageError(
                        "no target is known for '\(VerdictReport.shown(manifest.senderName))': no mailbox brought the "
                            + "fork, and no route to a pinned signer of that name is configured", remedy: "give --to")
                }
                let id = try await receipts.send(note: answer.note, about: envelope, to: target, manifest: manifest)
                return (target.text, id)
            case .message(let sender, let isProven, let hub):
                let known = ForkAnswer.receiver(for: token, sender: sender, isProven: isProven)
                guard let receiver = to ?? known else {
                    throw UsageError(
                        "'\(VerdictReport.shown(token.actorFrom))' is not the name of a mailbox",
                        remedy: "give one with --to")
                }
                let post = ForkPost(configuration: try dispatch.requests(for: prepared.sender))
                let server = try dispatch.askedHub == nil ? hub ?? dispatch.hub() : dispatch.hub()
                return (receiver, try await post.send(answer, to: receiver, hub: server))
            }
        }

        /// Whether the key that signed is pinned for the name that it claims.
        private static func isPinned(_ manifest: Manifest) async throws -> Bool {
            try await Blocking.run {
                try PinnedSigners(in: TrustStore(state: try HostDirectories.current().state()))
                    .standing(of: manifest.senderKey, claiming: manifest.senderName).isPinned
            }
        }

        private func tell(_ answer: ForkAnswer, _ receiver: String, _ id: String) {
            guard output.json else {
                return Terminal.say(
                    "✓ told \(receiver) that \(VerdictReport.shown(answer.forkID)) is \(answer.status.rawValue)")
            }
            Terminal.say(
                JSONLine([
                    ("event", "fork-answered"), ("fork_id", .text(answer.forkID)),
                    ("status", .text(answer.status.rawValue)), ("resume_hash", .text(answer.resumeHash)),
                    ("from", .text(answer.resumedBy)), ("to", .text(receiver)), ("reference", .text(id)),
                ]))
        }
    }
}
