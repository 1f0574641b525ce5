internal import ArgumentParser
internal import Fabric

/// A command that changes where one delivery stands.
protocol OutboxDecision: ParsableCommand, ReportingCommand {
    var id: String { get }
    func decide(_ id: OutboxID, in outbox: Outbox) throws -> OutboxEntry
}

extension OutboxDecision {
    func run() throws {
        let outbox = try Outbox.current()
        OutboxReport(entry: try decide(try outbox.find(id), in: outbox)).tell(json: output.json)
    }
}

extension OutboxCommand {
    /// `tcd outbox hold`
    struct Hold: OutboxDecision {
        static let configuration = CommandConfiguration(
            commandName: "hold", abstract: "Keep a delivery from being tried until it is released.")

        @Argument(help: ArgumentHelp("Which delivery.", valueName: "id"), completion: .deliveries)
        var id: String

        @OptionGroup var output: OutputOptions

        func decide(_ id: OutboxID, in outbox: Outbox) throws -> OutboxEntry { try outbox.hold(id) }
    }

    /// `tcd outbox release`
    struct Release: OutboxDecision {
        static let configuration = CommandConfiguration(
            commandName: "release", abstract: "Let a delivery that is held be tried again.")

        @Argument(help: ArgumentHelp("Which delivery.", valueName: "id"), completion: .deliveries)
        var id: String

        @OptionGroup var output: OutputOptions

        func decide(_ id: OutboxID, in outbox: Outbox) throws -> OutboxEntry { try outbox.release(id) }
    }

    /// `tcd outbox cancel`
    struct Cancel: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Call deliveries off. An envelope is removed unless another delivery needs it.",
            discussion: """
                Name one delivery, or all that wait for something with --all, or those to one target with --to:

                  $ tcd outbox cancel --to jis:acme:builds@hots
                  7x0q3k9d is cancelled: cancelled by the operator
                """)

        @Argument(help: ArgumentHelp("Which delivery.", valueName: "id"))
        var id: String?

        @Flag(name: .long, help: "All deliveries for which something is still to happen.")
        var all = false

        @Option(
            name: .long,
            help: ArgumentHelp(
                "All deliveries to this target for which something is still to happen.", valueName: "target"))
        var to: String?

        @OptionGroup var output: OutputOptions

        func run() throws {
            guard [id != nil, all, to != nil].filter({ $0 }).count == 1 else {
                throw UsageError(
                    "cancel: expected one of an ID, --all and --to TARGET", remedy: "see 'tcd outbox list'")
            }
            let outbox = try Outbox.current()
            if let id { return try cancel(try outbox.find(id), in: outbox) }
            let targets = to.map { [$0, DispatchOptions.fromRoot($0)] }
            var last: OutboxID?
            var count = 0
            while true {
                let page = try outbox.list(.open, limit: 1000, after: last)
                for entry in page where targets?.contains(entry.target.text) ?? true {
                    try cancel(entry.id, in: outbox)
                    count += 1
                }
                guard let end = page.last else { break }
                last = end.id
            }
            if count == 0, let to { throw OutboxError.unknown(to) }
        }

        private func cancel(_ id: OutboxID, in outbox: Outbox) throws {
            OutboxReport(entry: try outbox.cancel(id)).tell(json: output.json)
        }
    }

    /// `tcd outbox redirect`
    struct Redirect: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "redirect", abstract: "Send a delivery to another target than it was ordered for.",
            discussion: """
                The envelope stays as it was sealed, also the name and key that it is addressed to. The delivery is queued, and \
                'tcd outbox drain' or 'retry' tries it.

                  $ tcd outbox redirect 7x0q3k9d --to jis:acme:builds@hosts
                  7x0q3k9d is queued
                """)

        @Argument(help: ArgumentHelp("Which delivery.", valueName: "id"))
        var id: String

        @Option(name: .long, help: ArgumentHelp("Where to deliver it.", valueName: "target"))
        var to: String

        @Option(name: .long, help: ArgumentHelp("The only transport to use.", valueName: "name"))
        var transport: String?

        @OptionGroup var dispatch: DispatchOptions
        @OptionGroup var output: OutputOptions

        /// Options of the earlier order that say where it was to go.
        private static let replaced = PlanningSettings.keys.union(["mux-server", "mux-target", "ipoll-server"])

        func run() throws {
            try dispatch.check()
            let outbox = try Outbox.current()
            let id = try outbox.find(id)
            var target = try dispatch.target(to, transport: transport, typed: transport)
            try Composition.check(target)
            let earlier = try outbox.entry(id).target.options.filter { !Self.replaced.contains($0.key) }
            target.options.merge(earlier) { given, _ in given }
            OutboxReport(entry: try outbox.redirect(id, to: target)).tell(json: output.json)
        }
    }

    /// `tcd outbox replay`
    struct Replay: OutboxDecision {
        static let configuration = CommandConfiguration(
            commandName: "replay", abstract: "Have a delivery tried again that is quarantined or expired.")

        @Argument(help: ArgumentHelp("Which delivery.", valueName: "id"), completion: .deliveries)
        var id: String

        @OptionGroup var output: OutputOptions

        func decide(_ id: OutboxID, in outbox: Outbox) throws -> OutboxEntry { try outbox.replay(id) }
    }
}

/// `tcd why`
struct Why: ParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Explain where a delivery stands: what was tried, what is next, what is awaited.")

    @Argument(
        help: ArgumentHelp("Which delivery: an id, a transfer id, or a digest.", valueName: "id"),
        completion: .deliveries)
    var id: String

    @OptionGroup var output: OutputOptions

    func run() throws { try Self.tell(id, json: output.json) }

    static func tell(_ id: String, json: Bool) throws {
        let outbox = try Outbox.current()
        try OutboxDetailReport(detail: try outbox.detail(try outbox.find(id))).tell(json: json)
    }
}
