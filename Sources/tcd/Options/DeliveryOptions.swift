public import ArgumentParser
public import Fabric
internal import FoundationEssentials

extension WantedReceipt: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }

    // The raw values are those of the outbox's index; the command line has the words.
    public static var allValueStrings: [String] { allCases.map(\.description) }
    public static var allValueDescriptions: [String: String] { [:] }
}

/// Where an envelope goes, and how long its sender waits.
struct DeliveryOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Where to deliver it.", valueName: "target"))
    var to: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Insist on a transport: http, scp, mux, ipoll, local, or the name of a plug-in. Default: $TIBET_TRANSPORT, or whatever "
                + "works.", valueName: "name"), completion: .transports)
    var transport: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How strong a receipt to wait for: accepted, stored, verified or acknowledged. Default: accepted.",
            valueName: "receipt"))
    var wait: WantedReceipt?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Go on trying and waiting for this time. Default: try each route once.", valueName: "time"))
    var timeout: TimeSpan?

    @Flag(name: .long, help: "Return as soon as it is safely in the outbox; 'tcd outbox drain' delivers it.")
    var queue = false

    @Option(
        name: .long,
        help: ArgumentHelp("Give up when it was not delivered for so long. Default: never.", valueName: "time"))
    var expires: TimeSpan?

    @Flag(name: .long, help: "Seal and show what would be sent and along which routes, without sending it.")
    var dryRun = false

    /// Refuses what can be refused before anything is done.
    func check() throws {
        guard !(queue && dryRun) else { throw UsageError("--queue and --dry-run exclude each other") }
        guard !(queue && timeout != nil) else { throw UsageError("--queue waits for nothing, so not for --timeout") }
        _ = try waitingTime()
        _ = try expires.map { try Seconds.duration($0, of: "--expires") }
    }

    /// The transport that was asked for, here or by $TIBET_TRANSPORT.
    var chosenTransport: String? {
        transport ?? ProcessInfo.processInfo.environment["TIBET_TRANSPORT"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// How long to go on trying and waiting; nil for one round.
    func waitingTime() throws -> Duration? {
        try timeout.map { try Seconds.duration($0, of: "--timeout") }
    }

    /// The order for the outbox.
    func order(to target: DeliveryTarget) throws -> DeliveryOrder {
        let expiry = try expires.map { seconds in
            let span = try Seconds.duration(seconds, of: "--expires").components.seconds
            return Timestamp(seconds: Timestamp.now().seconds + max(1, span))
        }
        return DeliveryOrder(target, wanted: wait ?? .accepted, expiry: expiry)
    }
}
