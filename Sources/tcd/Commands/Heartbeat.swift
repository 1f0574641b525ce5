internal import ArgumentParser
internal import Fabric

/// `tcd heartbeat`
struct Heartbeat: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell a receiver that this host lives, goes down, or is coming back.",
        discussion: """
            A heartbeat is a sealed envelope with the priority 'heartbeat', which a daemon counts and does not process \
            any further. What could not be delivered is worth nothing a minute later, so it gives up after 60 seconds \
            unless --expires says otherwise.
            """)

    /// What is told.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case liveness, shutdown, reboot, custom
    }

    @OptionGroup(title: "Delivery") var delivery: DeliveryOptions

    @Option(name: .long, help: "What is told: liveness, shutdown, reboot or custom.")
    var kindDetail = Kind.liveness

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
        let payload = ControlPayload([
            ("kind", .text("heartbeat")), ("version", .text("v0.6.3")), ("kind_detail", .text(kindDetail.rawValue)),
            ("ts_iso", .text(moment.iso8601)), ("beat_seq", .number(moment.seconds)), ("note", .text(note)),
        ])
        let (surface, options) = try control.surface(
            context: "heartbeat-\(kindDetail.rawValue)", priority: "heartbeat", senderName: courier.senderName,
            at: moment)
        try await courier.send(.content(payload.input("tcd-hb"), surface, options))
    }
}
