internal import ArgumentParser
internal import Fabric

/// `tcd outbox`
struct OutboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "outbox", abstract: "Show what waits to be delivered, and decide about it.",
        discussion: """
            Everything that is sent lies here first, sealed and on stable storage, and stays until its receipt is in. \
            An ID is what 'list' shows first; its first characters will do, and so will a transfer id or a digest.
            """,
        subcommands: [
            List.self, Show.self, Retry.self, Hold.self, Release.self, Cancel.self, Redirect.self, Replay.self,
            Drain.self,
        ])

    /// `tcd outbox list`
    struct List: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List deliveries for which something is still to happen, the oldest first.")

        @Option(
            name: .long,
            help: ArgumentHelp(
                "Only those in this state: queued, sending, held, waiting, delivered, expired, cancelled, quarantined.",
                valueName: "state"), completion: .deliveryStates)
        var state: String?

        @Flag(name: .long, help: "Also those that are over.")
        var all = false

        @Option(name: .long, help: ArgumentHelp("How many at the most.", valueName: "n"))
        var limit = 1000

        @Option(name: .long, help: ArgumentHelp("Begin after this one.", valueName: "id"))
        var after: String?

        @OptionGroup var output: OutputOptions

        func run() throws {
            let filter = try filter()
            guard limit > 0 else { throw UsageError("--limit must be greater than 0") }
            let outbox = try Outbox.current()
            let entries = try outbox.list(filter, limit: limit, after: try after.map { try outbox.find($0) }) {
                id, why in
                Terminal.note("'\(id)' is left out: \(why)")
            }
            for entry in entries {
                let report = OutboxReport(entry: entry)
                if output.json {
                    Terminal.say(JSONLine([("event", "entry")] + report.fields))
                } else {
                    Terminal.say(report.line)
                }
            }
            if entries.count == limit, let last = entries.last {
                output.explain("there may be more: --after \(last.id)")
            }
        }

        private func filter() throws -> OutboxFilter {
            guard let state else { return all ? .all : .open }
            guard !all else { throw UsageError("--all and --state exclude each other") }
            guard let known = DeliveryState(rawValue: state) else {
                let names = DeliveryState.allCases.map(\.rawValue).joined(separator: ", ")
                throw UsageError("'\(state)' is no state", remedy: "use one of \(names)")
            }
            return .state(known)
        }
    }

    /// `tcd outbox show`
    struct Show: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Show everything about a delivery, as 'tcd why' does.")

        @Argument(help: ArgumentHelp("Which delivery.", valueName: "id"), completion: .deliveries)
        var id: String

        @OptionGroup var output: OutputOptions

        func run() throws { try Why.tell(id, json: output.json) }
    }

    /// `tcd outbox retry`
    struct Retry: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry", abstract: "Try a delivery at once, whatever it rests or was held for.")

        @Argument(help: ArgumentHelp("Which delivery.", valueName: "id"), completion: .deliveries)
        var id: String

        @OptionGroup var dispatch: DispatchOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let outbox = try await Blocking.run { try Outbox.current() }
            let id = try await Blocking.run { [id] in
                let found = try outbox.find(id)
                return try outbox.retry(found).id
            }
            let entry = try await Blocking.run { try outbox.entry(id) }
            let bar = ProgressBar("sending", quiet: output.json)
            defer { bar.finish() }
            let dispatcher = try dispatch.dispatcher(
                for: outbox, output: output, namesMailboxes: true, report: DispatchNotes.show(output))
            let outcome = try await dispatcher.attempt(id, reporting: bar.sink(total: entry.size))
            bar.finish()
            OutboxReport(entry: outcome.entry).tell(json: output.json, event: "tried")
            if outcome.entry.state != .delivered { throw ExitStatus(for: UndeliveredError(outcome)).code }
        }
    }

    /// `tcd outbox drain`
    struct Drain: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "drain", abstract: "Try everything that is due.",
            discussion: """
                Several of these, and 'tcd send' beside them, share one outbox: each delivery is with one of them at a \
                time. Exit status: 0 when nothing that was tried is left, 75 when some of it is queued again, 77 when \
                some of it waits for a person.
                """)

        @Flag(name: .long, help: "Go on for ever: try what is put into the outbox, and what becomes due.")
        var watch = false

        @Option(name: .long, help: ArgumentHelp("How many deliveries to try at once.", valueName: "n"))
        var jobs = 4

        @OptionGroup var dispatch: DispatchOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard (1...256).contains(jobs) else { throw UsageError("--jobs must be 1 to 256") }
            let outbox = try await Blocking.run { try Outbox.current() }
            let json = output.json
            let notes = DispatchNotes.show(output)
            let dispatcher = try dispatch.dispatcher(for: outbox, output: output, namesMailboxes: false) { event in
                notes(event)
                if json, case .notice(let entry, let text) = event {
                    Terminal.say(
                        JSONLine([("event", "notice"), ("id", .text(entry.id.text)), ("notice", .text(text))]))
                }
                if case .outcome(let outcome) = event {
                    OutboxReport(entry: outcome.entry).tell(json: json, event: "tried")
                }
            }
            let summary = try await dispatcher.drain(jobs: jobs, watching: watch)
            if summary.postponed > 0 { throw ExitStatus.tryLater.code }
            if summary.stopped > 0 { throw ExitStatus.refused.code }
        }
    }
}
