internal import ArgumentParser
internal import Fabric
internal import Glibc
internal import SystemPackage
internal import Triage

extension ForkCommand {
    /// `tcd fork verify`
    struct Verify: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify", abstract: "Say what holds of a fork token.",
            discussion: """
                Looked at are the peers' hash, the digest over everything that 'tcd fork create' adds, the expiry by this \
                machine's clock, for whom it is, and what it asks for: Python packages by their versions, a GPU by its \
                device file. What cannot be checked here is unknown. Where 'tcd fork listen' wrote ID.evidence.json \
                beside the token, its sender is judged as the listener does: by the key that is pinned for its name.

                EXIT STATUS
                  0  everything holds, as far as anybody can tell
                  1  the token is not what its sender made; with --strict: anything does not hold, or is unknown
                  2  the token is what its sender made, and expired, for another actor, not for this machine, or of a
                     sender that is not known
                """)

        @Argument(help: ArgumentHelp("The token.", valueName: "file"), completion: .file())
        var file: String

        @Option(name: .long, help: ArgumentHelp("Who would go on with it.", valueName: "name"))
        var agent: String?

        @Flag(name: .long, help: "Count whatever does not hold, or is unknown, as a failure.")
        var strict = false

        @Option(
            name: .long,
            help: ArgumentHelp(
                "The identity that envelopes have to be addressed to. Default: this host's.", valueName: "dir"))
        var identity: String?

        @OptionGroup(title: "Senders") var senders: SenderOptions
        @OptionGroup var receiver: ReceiverOptions
        @OptionGroup var python: PythonOption
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let command = self
            let (examination, judged) = try await Blocking.run { try command.examine() }
            tell(examination, judged)
            if let status = status(of: examination, judged) { throw status.code }
        }

        /// What is known of the sender, where the listener wrote down how the fork came.
        private struct Judged: Sendable {
            let trust: ForkEvidence.Trust
            let signer: SignerStanding?
        }

        private func examine() throws -> (ForkExamination, Judged?) {
            let path = FilePath(file)
            let token = try ForkToken.read(path).token
            let standing = try standing(of: token, at: path)
            let judged = standing?.judge(token)
            let examination = ForkExamination(
                token, agent: agent, machine: Machine.survey(python: python.python),
                provenance: judged?.checks ?? [])
            return (examination, judged.map { Judged(trust: $0.trust, signer: standing?.decision.signer) })
        }

        /// What is known of the sender of the token at `path`; nil without evidence of how it came.
        private func standing(of token: ForkToken, at path: FilePath) throws -> ForkStanding? {
            let evidencePath = ForkFolder.companion(of: path, "evidence.json")
            guard let bytes = try ReplaceableFile.read(evidencePath, atMost: ForkToken.largestFile),
                let evidence = ForkEvidence(parsing: bytes), evidence.forkHash == token.hash,
                let origin = evidence.origin
            else { return nil }
            let directory = identity.map { IdentityDirectory(FilePath($0)) }
            let trust = try ForkTrust(receiver: try receiver.receiver(directory), choosing: senders)
            switch origin {
            case .message(_, let sender, let key, _, _):
                return try trust.standing(ofMessageFrom: sender, provenBy: key)
            case .envelope(let file, let name, let digest, _, _, _, _):
                guard access(file, R_OK) == 0 else {
                    Terminal.note("the envelope '\(file)' cannot be read any more: its sender is not checked")
                    return nil
                }
                let (verdict, envelope) = try EnvelopeVerifier().verify(FilePath(file), arrivedAs: name)
                guard let envelope, verdict.isValid, try envelope.digest() == digest else {
                    throw ForkEnvelopeError(name: name, faults: verdict.faults)
                }
                return try trust.standing(of: envelope.manifest, verdict)
            }
        }

        /// Nil where all is well.
        private func status(of examination: ForkExamination, _ judged: Judged?) -> ExitStatus? {
            if examination.showsTampering { return .invalid }
            if strict, examination.checks.contains(where: { $0.outcome != .pass }) { return .invalid }
            let isKnown = judged.map { $0.trust.outcome == ForkEvidence.Trust.proceeds } ?? true
            return examination.hasFailures || !isKnown ? .triage : nil
        }

        private func tell(_ examination: ForkExamination, _ judged: Judged?) {
            if output.json {
                let fields: [(String, JSONLine.Value)] = [
                    ("event", "fork-verified"), ("file", .text(file)),
                    ("valid", .flag(!examination.showsTampering)),
                ]
                let found = ForkReport.fields(examination.token) + ForkReport.fields(examination)
                let trust = ForkReports.fields(judged?.trust, judged?.signer)
                return Terminal.say(JSONLine(fields + found + trust))
            }
            let name = VerdictReport.shown(examination.token.id)
            Terminal.say("\(examination.showsTampering ? "✗" : "✓") \(name.isEmpty ? "a fork without a name" : name)")
            for line in ForkReport.lines(examination.token) + ForkReport.lines(examination) {
                Terminal.say("  " + line)
            }
            for line in ForkReports.lines(judged?.trust, judged?.signer) { Terminal.say("  " + line) }
        }
    }
}

/// Which Python is asked for its packages.
struct PythonOption: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The Python whose packages count: a name from PATH, or a path.", valueName: "program"))
    var python = "python3"
}
