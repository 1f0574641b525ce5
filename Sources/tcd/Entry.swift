internal import ArgumentParser
internal import Fabric
internal import Glibc
internal import SystemPackage

/// Parses the command line, runs the command, and turns every error into one line and one exit code.
@main
struct Entry {
    static func main() async {
        // A peer that closes early is an error to report, not a reason to die without a word.
        signal(SIGPIPE, SIG_IGN)
        // Asked for so often, and by so many scripts, that it is not worth setting up a parser for.
        if [["version"], ["--version"], ["-V"]].contains(Array(CommandLine.arguments.dropFirst())) {
            Terminal.say(Version.text)
            finish()
        }
        let arguments = CommandLine.arguments.dropFirst()
        if let error = CallerText.problem() { fail(error, json: arguments.contains("--json")) }
        if let error = CommandNames.error(in: arguments) { fail(error, json: arguments.contains("--json")) }
        let command: any ParsableCommand
        do {
            command = try Tcd.parseAsRoot()
        } catch {
            end(error)
        }
        do {
            if !(command is ConfigCommand.Explain) { try Configuration().apply() }
        } catch let error as ConfigurationError {
            fail(error, json: (command as? any ReportingCommand)?.output.json ?? false)
        } catch {
            end(error)
        }
        let watch = command is any EndsByItself ? [] : Interruption.watch(removesDirectories: command is Unpack)
        let outcome = await outcome(of: command)
        withExtendedLifetime(watch) { Interruption.yieldIfUnderway() }
        switch outcome {
        case .success: finish()
        case .failure(let status as ExitCode): finish(status.rawValue)
        case .failure(let error as any ExplainedError):
            fail(error, json: (command as? any ReportingCommand)?.output.json ?? false)
        case .failure(let error): end(error)
        }
    }

    private static func outcome(of command: any ParsableCommand) async -> Result<Void, any Error> {
        do {
            return .success(try await run(command))
        } catch {
            return .failure(error)
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

    /// Ends with `status`, unless that is 0 and results were lost. A reader that has gone knows that it has.
    private static func finish(_ status: Int32 = ExitStatus.done.rawValue) -> Never {
        guard let reason = Terminal.failure else { exit(status) }
        if reason != .brokenPipe { Terminal.complain("cannot write to standard output: \(reason)") }
        exit(status == ExitStatus.done.rawValue ? ExitStatus.inputOutput.rawValue : status)
    }

    /// Ends with what the parser threw. Help that was asked for is a result like any other.
    private static func end(_ error: any Error) -> Never {
        let message = Tcd.fullMessage(for: error)
        guard Tcd.exitCode(for: error) != .success else {
            Terminal.say(message)
            finish()
        }
        // After the message the parser's text has the usage, and at its end the command whose help to see.
        let help = message.firstMatch(of: #/See '(tcd[^']*)'/#).map { "'\($0.output.1)' lists the options" }
        let failure = UsageError(withoutFullStop(Tcd.message(for: error)), remedy: help)
        fail(failure, json: CommandLine.arguments.contains("--json"))
    }

    private static func withoutFullStop(_ text: String) -> String {
        text.hasSuffix(".") ? String(text.dropLast()) : text
    }

    private static func fail(_ error: any ExplainedError, json: Bool) -> Never {
        let report = FailureReport(error: error)
        Terminal.complain(error.description)
        if json { Terminal.say(JSONLine(report.fields)) }
        finish(report.status.rawValue)
    }
}

/// A command whose results can be had as JSON lines.
protocol ReportingCommand {
    var output: OutputOptions { get }
}
