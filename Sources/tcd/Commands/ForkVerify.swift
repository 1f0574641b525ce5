internal import ArgumentParser
internal import Fabric
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
                device file. What nobody here can tell is said to be unknown.

                EXIT STATUS
                  0  everything holds, as far as anybody can tell
                  1  the token is not what its sender made; with --strict: anything does not hold, or is unknown
                  2  the token is what its sender made, and expired, for somebody else, or not for this machine
                """)

        @Argument(help: ArgumentHelp("The token.", valueName: "file"), completion: .file())
        var file: String

        @Option(name: .long, help: ArgumentHelp("Who would go on with it.", valueName: "name"))
        var agent: String?

        @Flag(name: .long, help: "Count whatever does not hold, or is unknown, as a failure.")
        var strict = false

        @OptionGroup var python: PythonOption
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let examination = try await Blocking.run {
                ForkExamination(
                    try ForkToken.read(FilePath(file)).token, agent: agent,
                    machine: Machine.survey(python: python.python))
            }
            tell(examination)
            if let status = status(of: examination) { throw status.code }
        }

        /// Nil where all is well.
        private func status(of examination: ForkExamination) -> ExitStatus? {
            if examination.showsTampering { return .invalid }
            if strict, examination.checks.contains(where: { $0.outcome != .pass }) { return .invalid }
            return examination.hasFailures ? .triage : nil
        }

        private func tell(_ examination: ForkExamination) {
            if output.json {
                let fields: [(String, JSONLine.Value)] = [
                    ("event", "fork-verified"), ("file", .text(file)),
                    ("valid", .flag(!examination.showsTampering)),
                ]
                let found = ForkReport.fields(examination.token) + ForkReport.fields(examination)
                return Terminal.say(JSONLine(fields + found))
            }
            let name = VerdictReport.shown(examination.token.id)
            Terminal.say("\(examination.showsTampering ? "✗" : "✓") \(name.isEmpty ? "a fork without a name" : name)")
            for line in ForkReport.lines(examination.token) + ForkReport.lines(examination) {
                Terminal.say("  " + line)
            }
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
