internal import ArgumentParser
internal import Fabric

/// How servers are spoken to over HTTP, whatever for.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: .customLong("cacert"),
        help: ArgumentHelp("Trust these authorities instead of the system's (PEM).", valueName: "file"))
    var authorities: String?

    @Option(name: .customLong("cert"), help: ArgumentHelp("The client certificate to show (PEM).", valueName: "file"))
    var clientCertificate: String?

    @Option(
        name: .customLong("key"), help: ArgumentHelp("The client certificate's private key (PEM).", valueName: "file"))
    var clientKey: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Give up connecting after this time. Default: $TIBET_CONNECT_TIMEOUT, or 10.", valueName: "time"))
    var connectTimeout: TimeSpan?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Give up when nothing useful has moved for this time. Default: $TIBET_HTTP_TIMEOUT, or 30.",
            valueName: "time"))
    var stallTimeout: TimeSpan?

    /// How long to try connecting.
    func connectTime() throws -> Duration {
        try Seconds.duration(connectTimeout, of: "--connect-timeout", variable: "TIBET_CONNECT_TIMEOUT", else: 10)
    }

    /// How long nothing useful may move: as asked for, or as the peers' clients are told.
    func stallTime() throws -> Duration {
        try Seconds.duration(stallTimeout, of: "--stall-timeout", variable: "TIBET_HTTP_TIMEOUT", else: 30)
    }

    /// Refuses what can be refused before anything is done.
    func check() throws {
        _ = try connectTime()
        _ = try stallTime()
    }
}
