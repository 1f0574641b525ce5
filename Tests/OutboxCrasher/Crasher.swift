internal import CarrierLocal
@_spi(CrashTests) internal import Fabric
internal import Glibc
internal import SystemPackage

/// Sends and drains as `tcd` does, into directories of this machine, and dies at a step that the environment names: what
/// the tests of the outbox kill.
///
///     OutboxCrasher send STATE FILE TARGET     seals FILE, and tries to deliver it
///     OutboxCrasher queue STATE FILE TARGET    seals it only
///     OutboxCrasher drain STATE                tries everything that is due
///
/// `OUTBOX_DIES_AT` is the name of a step.
@main
struct Crasher {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3 else { exit(64) }
        var configuration = OutboxConfiguration()
        configuration.atEachStep(Death.fromEnvironment())
        let outbox = try Outbox(state: FilePath(arguments[2]), configuration: configuration)
        let dispatcher = Dispatcher(outbox: outbox, planner: LocalPlanner()) { scheme in
            LocalCarrier.schemes.contains(scheme) ? LocalCarrier() : nil
        }
        if arguments[1] == "drain" {
            _ = try await dispatcher.drain(jobs: 4, watching: false)
            return
        }
        guard arguments.count == 5, let name = ArrivalName("20260514t064148z.crash.claude.normal.tza") else { exit(64) }
        let sealer = Sealer(key: try SigningKey(seed: Array(0..<32)), options: SealOptions(senderName: "crasher"))
        let order = DeliveryOrder(DeliveryTarget(arguments[4]), wanted: .stored)
        let sealed = try outbox.seal(.path(arguments[3]), as: name, with: sealer, at: .now(), orders: [order])
        guard arguments[1] == "send" else { return }
        for entry in sealed.entries { _ = try await dispatcher.attempt(entry.id) }
    }
}

/// Dies when a step is passed often enough.
enum Death {
    static func fromEnvironment() -> @Sendable (OutboxStep) -> Void {
        let step = getenv("OUTBOX_DIES_AT").flatMap { OutboxStep(rawValue: String(cString: $0)) }
        return { passed in
            // Not an exit: nothing may run any more, as in a power cut.
            if passed == step { kill(getpid(), SIGKILL) }
        }
    }
}

/// Every target is a directory.
struct LocalPlanner: RoutePlanner {
    func plan(for target: DeliveryTarget) async throws(CarrierError) -> RoutePlan {
        RoutePlan(routes: [PlannedRoute(Route(scheme: "local", address: target.text), origin: .commandLine)])
    }
}
