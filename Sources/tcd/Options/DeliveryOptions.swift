public import ArgumentParser
public import Fabric
internal import FoundationEssentials

extension WantedReceipt: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

/// Where an envelope goes, and how long its sender waits.
struct DeliveryOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Where to deliver it.", valueName: "target"))
    var to: String

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Insist on a transport: http, scp, mux, ipoll, local, or the name of a plug-in. Default: $TIBET_TRANSPORT, or whatever "
                + "works.", valueName: "name"))
    var transport: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "What must be certain before it counts as delivered: accepted, stored, verified or acknowledged.",
            valueName: "receipt"))
    var wait = WantedReceipt.accepted

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Go on trying and waiting for this time. Default: try each route once.", valueName: "seconds"))
    var timeout: Double?

    @Flag(name: .long, help: "Return as soon as it is safely in the outbox; 'tcd outbox drain' delivers it.")
    var queue = false

    @Option(
        name: .long,
        help: ArgumentHelp("Give up when it was not delivered for so long. Default: never.", valueName: "seconds"))
    var expires: Double?

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
        return DeliveryOrder(target, wanted: wait, expiry: expiry)
    }
}
