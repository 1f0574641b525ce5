public import ArgumentParser
public import Fabric

extension HeartbeatKind: ExpressibleByArgument {}

/// `tcd heartbeat`
struct Heartbeat: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell a receiver that this host lives, goes down, or is coming back.",
        discussion: """
            A heartbeat is a sealed envelope with the priority 'heartbeat', which a daemon counts and does not process \
            any further. What could not be delivered is worth nothing a minute later, so it gives up after 60 seconds \
            unless --expires says otherwise.
            """)

    @OptionGroup(title: "Delivery") var delivery: DeliveryOptions

    @Option(name: .long, help: "What is told: liveness, shutdown, reboot or custom.")
    var kindDetail = HeartbeatKind.liveness

    @Option(name: .long, help: ArgumentHelp("Something to tell beside it.", valueName: "text"))
    var note = ""

    @OptionGroup(title: "Envelope") var control: ControlOptions
    @OptionGroup var dispatch: DispatchOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        var delivery = delivery
        delivery.expires = delivery.expires ?? 60
        try delivery.check()
        try dispatch.check()
        var courier = try Courier(delivery, dispatch, output: output)
        let moment = Timestamp.now()
        courier.headline = "♡ heartbeat (\(kindDetail.rawValue), seq=\(moment.seconds)) → \(delivery.to)"
        let payload = ControlPayload.heartbeat(kindDetail, note: note, at: moment)
        let (surface, options) = try control.surface(
            context: payload.context, priority: "heartbeat", senderName: courier.senderName, at: moment)
        try await courier.send(.content(payload.input(), surface, options))
    }
}
