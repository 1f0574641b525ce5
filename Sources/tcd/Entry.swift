internal import ArgumentParser
internal import Fabric
internal import Glibc

/// Parses the command line, runs the command, and turns every error into one line and one exit code.
@main
struct Entry {
    static func main() async {
        // A peer that closes early is an error to report, not a reason to die without a word.
        signal(SIGPIPE, SIG_IGN)
        // Asked for so often, and by so many scripts, that it is not worth setting up a parser for.
        if [["version"], ["--version"], ["-V"]].contains(Array(CommandLine.arguments.dropFirst())) {
            Terminal.say(Version.text)
            return
        }
        let command: any ParsableCommand
        do {
            command = try Tcd.parseAsRoot()
        } catch {
            Tcd.exit(withError: error)
        }
        do {
            try await run(command)
        } catch let status as ExitCode {
            exit(status.rawValue)
        } catch let error as any ExplainedError {
            fail(error, json: (command as? any ReportingCommand)?.output.json ?? false)
        } catch {
            Tcd.exit(withError: error)
        }
    }

    private static func run(_ command: any ParsableCommand) async throws {
        if var command = command as? any AsyncParsableCommand {
            try await command.run()
        } else {
            var command = command
            try command.run()
        }
    }

    private static func fail(_ error: any ExplainedError, json: Bool) -> Never {
        let status = ExitStatus(for: error)
        Terminal.complain(error.description)
        if json {
            Terminal.say(
                JSONLine([
                    ("event", "error"), ("category", .text(error.category.rawValue)),
                    ("message", .text(error.explanation)), ("remedy", .init(error.remedy)),
                    ("exit", .number(Int64(status.rawValue))),
                ]))
        }
        exit(status.rawValue)
    }
}

/// A command whose results can be had as JSON lines.
protocol ReportingCommand {
    var output: OutputOptions { get }
}
