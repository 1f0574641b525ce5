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
    struct Cancel: OutboxDecision {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Call a delivery off. Its envelope is removed unless another delivery needs it.")

        @Argument(help: ArgumentHelp("Which delivery.", valueName: "id"), completion: .deliveries)
        var id: String

        @OptionGroup var output: OutputOptions

        func decide(_ id: OutboxID, in outbox: Outbox) throws -> OutboxEntry { try outbox.cancel(id) }
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
