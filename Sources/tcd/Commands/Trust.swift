internal import ArgumentParser
internal import Fabric

/// `tcd trust`
struct Trust: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show and change the keys that are pinned.",
        discussion: """
            A pin holds on to a key: another key for the same subject stops a delivery until a person has looked. There \
            are three kinds. 'signer': the key that signs envelopes, by the sender's name. 'host': the key of an ssh \
            host, by 'host:port type'. 'ains': the key in a record of AINS, by name; 'tcd send' pins it when it sees it \
            first.
            """, subcommands: [List.self, Add.self, Remove.self, Rotate.self])

    /// The kinds, as they are written.
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case signer
        case host
        case ains

        var pinned: Pin.Kind {
            switch self {
            case .signer: .signer
            case .host: .host
            case .ains: .ains
            }
        }
    }

    /// Whose key.
    struct Subject: ParsableArguments {
        @Argument(help: "What the key is for: signer, host or ains.") var kind: Kind
        @Argument(help: "Whose key it is: a name; for a host 'host:port type'.") var subject: String
    }

    private static func store() throws -> TrustStore { TrustStore(state: try HostDirectories.current().state()) }

    /// `tcd trust list`
    struct List: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show the pins, with when and why.")

        @Option(name: .long, help: "Only this kind: signer, host or ains.") var kind: Kind?
        @OptionGroup var output: OutputOptions

        func run() throws {
            let pins = try Trust.store().pins().filter { kind == nil || $0.kind == kind?.pinned }
            for pin in pins { PinReport(pin, event: "pin").tell(json: output.json) }
            if pins.isEmpty, !output.json { Terminal.note("nothing is pinned") }
        }
    }

    /// `tcd trust add`
    struct Add: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "add", abstract: "Pin a key. A subject that has another key keeps it.")

        @OptionGroup var subject: Subject
        @Argument(help: "The key: Ed25519 in hexadecimal or base64; for a host 'type base64'.") var key: String
        @Option(name: .long, help: ArgumentHelp("Why it is trusted.", valueName: "text")) var reason = "added by hand"
        @OptionGroup var output: OutputOptions

        func run() throws {
            let pin = try Pin(
                kind: subject.kind.pinned, subject: subject.subject, key: key, reason: reason, source: "command line")
            let store = try Trust.store()
            try store.add(pin)
            let held = try store.pin(pin.kind, pin.subject) ?? pin
            PinReport(held, event: "pinned").tell(json: output.json)
        }
    }

    /// `tcd trust remove`
    struct Remove: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Forget a pin. The next key that is seen is then as good as the first.")

        @OptionGroup var subject: Subject
        @OptionGroup var output: OutputOptions

        func run() throws {
            let removed = try Trust.store().remove(subject.kind.pinned, subject.subject)
            PinReport(removed, event: "unpinned").tell(json: output.json)
        }
    }

    /// `tcd trust rotate`
    struct Rotate: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate", abstract: "Put a new key in the place of the pinned one, which is remembered.")

        @OptionGroup var subject: Subject
        @Argument(help: "The new key.") var key: String
        @Option(name: .long, help: ArgumentHelp("Why it was changed.", valueName: "text"))
        var reason = "rotated by hand"
        @OptionGroup var output: OutputOptions

        func run() throws {
            let new = try Trust.store().rotate(
                subject.kind.pinned, subject.subject, to: key, reason: reason, source: "command line")
            PinReport(new, event: "rotated").tell(json: output.json)
        }
    }
}

/// A pin as people and programs read it.
struct PinReport {
    private let pin: Pin
    private let event: String

    init(_ pin: Pin, event: String) {
        self.pin = pin
        self.event = event
    }

    func tell(json: Bool) {
        guard !json else { return Terminal.say(JSONLine(fields)) }
        Terminal.say("\(pin.kind)  \(VerdictReport.shown(pin.subject))")
        Terminal.say("  key          \(pin.key)")
        Terminal.say("  fingerprint  \(pin.fingerprint)")
        Terminal.say("  since        \(pin.since.iso8601), \(pin.reason) (\(pin.source))")
        if let hosts = pin.hosts {
            let shown = hosts.isEmpty ? "none" : hosts.map { VerdictReport.shown($0) }.joined(separator: ", ")
            Terminal.say("  hosts        \(shown)")
        }
        for key in pin.previous {
            Terminal.say("  before       \(key.key), \(key.since.iso8601) to \(key.until.iso8601), \(key.reason)")
        }
    }

    private var fields: [(String, JSONLine.Value)] {
        [
            ("event", .text(event)), ("kind", .text(pin.kind.rawValue)), ("subject", .text(pin.subject)),
            ("key", .text(pin.key)), ("fingerprint", .text(pin.fingerprint)), ("since", .text(pin.since.iso8601)),
            ("reason", .text(pin.reason)), ("source", .text(pin.source)),
            (
                "previous",
                .list(
                    pin.previous.map { key in
                        .object([
                            ("key", .text(key.key)), ("since", .text(key.since.iso8601)),
                            ("until", .text(key.until.iso8601)), ("reason", .text(key.reason)),
                        ])
                    })
            ), ("hosts", pin.hosts.map { .init($0) } ?? .null),
        ]
    }
}
