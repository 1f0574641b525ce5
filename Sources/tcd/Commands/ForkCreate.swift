internal import ArgumentParser
internal import Fabric
internal import Glibc
internal import SystemPackage
internal import Triage

extension ForkCommand {
    /// `tcd fork create`
    struct Create: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "create", abstract: "Make a fork token.",
            discussion: """
                The token is made of a UPIP bundle, whose layers it takes along, of a file that holds a state of mind, of \
                an intention, or of several of these. A bundle's chain of forks gets the token as well; nothing else in \
                it changes. A bundle whose hashes do not hold is refused.

                TYPES
                  ai_to_ai      a model hands its context over
                  script        a program hands a bundle over
                  human_to_ai   a person hands an intention over
                  fragment      one of several parts that are worked on at once
                """)

        @Option(name: .long, help: ArgumentHelp("The bundle to fork, X.upip.json.", valueName: "file"))
        var fromBundle: String?

        @Option(name: .long, help: ArgumentHelp("A file that holds the state of mind.", valueName: "file"))
        var memoryBlob: String?

        @Option(
            name: [.short, .long],
            help: ArgumentHelp("What all of this is for. Default: what the bundle's process is for.", valueName: "text")
        )
        var intent: String?

        @Option(name: .long, help: ArgumentHelp("Who hands over to whom, see TYPES.", valueName: "type"))
        var forkType = ForkType.script.rawValue

        @Option(name: .long, help: ArgumentHelp("Where to go on.", valueName: "text"))
        var continuation = "L4:post_result"

        @Option(
            name: .long,
            help: ArgumentHelp(
                "Who hands over. Default: the name of this host's identity, which is what receivers can prove; without "
                    + "an identity, this host and the creator of the bundle.", valueName: "name"))
        var actorFrom: String?

        @Option(name: .long, help: ArgumentHelp("Who is to go on. Default: anybody.", valueName: "name"))
        var actorTo: String?

        @Option(
            name: .long,
            help: ArgumentHelp(
                "Python packages that must be there, with their versions: torch>=2.0,<3,numpy. Repeatable.",
                valueName: "list"))
        var requireDeps: [String] = []

        @Flag(name: .long, help: "Whoever goes on must have a GPU.")
        var requireGpu = false

        @Option(
            name: .long,
            help: ArgumentHelp(
                "When it is not to be taken up any more: a time, or how long from now (90s, 30m, 24h, 7d).",
                valueName: "time"))
        var expires: String?

        @Option(name: [.short, .customLong("output")], help: ArgumentHelp("The token to write.", valueName: "file"))
        var out: String

        @Flag(name: [.short, .long], help: "Replace the token's file if it exists.")
        var force = false

        @Flag(name: .long, help: "Fork a bundle even if its hashes do not hold.")
        var unchecked = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let token = try await Blocking.run { try make() }
            tell(token)
        }

        private func make() throws -> ForkToken {
            guard fromBundle != nil || memoryBlob != nil || intent != nil else {
                throw UsageError(
                    "there is nothing to hand over", remedy: "give --from-bundle, --memory-blob or --intent")
            }
            let moment = Timestamp.now()
            var draft = try draft(at: moment)
            if let fromBundle {
                draft.stack = try UPIPStack(file: FilePath(fromBundle))
                if !unchecked { try draft.stack?.check() }
            }
            if let memoryBlob { draft.memory = (try FileDigest.of(FilePath(memoryBlob)), memoryBlob) }
            let token = try draft.token(host: Machine.hostName(), at: moment)
            try write(token, into: draft.stack)
            return token
        }

        private func draft(at moment: Timestamp) throws -> ForkDraft {
            guard let type = ForkType(rawValue: forkType) else {
                throw UsageError(
                    "'\(forkType)' is no type of fork",
                    remedy: "use " + ForkType.allCases.map(\.rawValue).joined(separator: ", "))
            }
            var draft = ForkDraft()
            draft.type = type
            draft.intent = intent ?? ""
            draft.continuationPoint = continuation
            draft.actorFrom = actorFrom ?? Self.ownName ?? ""
            draft.actorTo = actorTo ?? ""
            draft.packages = try requireDeps.flatMap(RequirementList.parse)
            draft.needsGPU = requireGpu
            draft.expiry = try expires.map { try ForkExpiry.parse($0, at: moment) }
            return draft
        }

        /// The name of this host's identity; nil where there is none that can be used.
        private static var ownName: String? { try? HostDirectories.current().identity().load().name }

        /// Writes the token, and then the bundle with it; without the latter there is no token either.
        private func write(_ token: ForkToken, into stack: UPIPStack?) throws {
            let target = FilePath(out)
            guard force || access(out, F_OK) != 0 else {
                throw TakenError(path: out)
            }
            try ReplaceableFile.replace(target, with: Array(token.fileText.utf8))
            guard var stack, let fromBundle else { return }
            stack.append(token)
            do {
                var status = stat()
                let mode = stat(fromBundle, &status) == 0 ? status.st_mode & 0o7777 : 0o600
                try ReplaceableFile.replace(FilePath(fromBundle), with: Array(stack.fileText.utf8))
                chmod(fromBundle, mode)
            } catch {
                unlink(out)
                throw error
            }
        }

        private func tell(_ token: ForkToken) {
            if output.json {
                Terminal.say(JSONLine([("event", "fork-created"), ("path", .text(out))] + ForkReport.fields(token)))
            } else {
                Terminal.say("✓ forked \(token.id) → \(DisplayText.line(out, atMost: .max))")
                for line in ForkReport.lines(token) { Terminal.say("  " + line) }
            }
        }
    }
}
