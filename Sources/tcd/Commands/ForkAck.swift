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
                of the token's actor_from as the message that 'tibet-triage' sends, to the mailbox of the message's \
                sender where actor_from is none; for a fork that came in an envelope as a sealed receipt to --to, or to \
                the name that its sender claims.
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
            let answer = ForkAnswer(
                to: token, success ? .resumed : .failed, resumeHash: resumeHash ?? "",
                by: try sender(token, evidence, prepared))
            let (receiver, id) = try await send(answer, token, evidence, prepared)
            if var evidence {
                evidence.noteAnswer(answer.status, to: receiver, as: id)
                let text = evidence.fileText
                try await Blocking.run { try ReplaceableFile.replace(evidencePath, with: Array(text.utf8)) }
            }
            tell(answer, receiver, id)
        }

        private func sender(
            _ token: ForkToken, _ evidence: ForkEvidence?, _ prepared: DispatchOptions.Prepared
        ) throws -> String {
            if let agent { return try AgentName.parse(agent).name }
            let known = [evidence?.agent ?? "", token.actorTo].first(where: MailboxName.isPlain)
            if let known { return MailboxName.normalized(known) }
            let isSealed = envelope != nil || evidence?.envelopePath != nil
            return isSealed ? prepared.name : try AgentName.of(prepared.name).name
        }

        /// Sends the answer; returns to whom, and what it is called there.
        private func send(
            _ answer: ForkAnswer, _ token: ForkToken, _ evidence: ForkEvidence?, _ prepared: DispatchOptions.Prepared
        ) async throws -> (receiver: String, id: String) {
            if let file = envelope ?? evidence?.envelopePath {
                let path = FilePath(file)
                let (envelope, manifest) = try await Blocking.run {
                    (try ReferencedEnvelope(file: path), try EnvelopeFile(path: path).manifest)
                }
                let asked = try to.map { try dispatch.resolver.anchoredTarget($0) }
                guard let target = asked ?? ForkReceipts.target(of: manifest) else {
                    throw UsageError("'\(manifest.senderName)' says not where to answer", remedy: "give --to")
                }
                let receipts = ForkReceipts(prepared: prepared, output: output)
                let id = try await receipts.send(note: answer.note, about: envelope, to: target, manifest: manifest)
                return (target.text, id)
            }
            guard let receiver = to ?? ForkAnswer.receiver(for: token, sender: evidence?.messageSender) else {
                throw UsageError("'\(token.actorFrom)' is no name of a mailbox", remedy: "give one with --to")
            }
            let post = ForkPost(configuration: try dispatch.requests(for: prepared.sender))
            let server = try dispatch.askedHub == nil ? evidence?.hub ?? dispatch.hub() : dispatch.hub()
            return (receiver, try await post.send(answer, to: receiver, hub: server))
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
