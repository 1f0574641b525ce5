internal import ArgumentParser
internal import CarrierHTTP
internal import Fabric
internal import FoundationEssentials
internal import SystemPackage

/// How HTTP deliveries are made.
struct HTTPOptions: ParsableArguments {
    @Flag(name: .long, help: "Do not sign the delivery (TIBET-SIG-V1). The envelope itself is always signed.")
    var noHttpAuth = false

    @Flag(name: .long, help: "Do not send this sender's own name as X-TIBET-Sender-DID.")
    var noSenderDid = false

    @Option(
        name: .customLong("cacert"),
        help: ArgumentHelp("Trust these authorities instead of the system's (PEM).", valueName: "file"))
    var authorities: String?

    @Option(name: .customLong("cert"), help: ArgumentHelp("The client certificate to show (PEM).", valueName: "file"))
    var clientCertificate: String?

    @Option(
        name: .customLong("key"), help: ArgumentHelp("The client certificate's private key (PEM).", valueName: "file"))
    var clientKey: String?

    @Option(name: .long, help: ArgumentHelp("Give up connecting after this time.", valueName: "seconds"))
    var connectTimeout: Double = 10

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Give up when nothing useful has moved for this time. Default: $TIBET_HTTP_TIMEOUT, or 30.",
            valueName: "seconds"))
    var stallTimeout: Double?

    /// How long to try connecting.
    func connectTime() throws -> Duration { try Seconds.duration(connectTimeout, of: "--connect-timeout") }

    /// How long nothing useful may move: as asked for, or as the peers' clients are told.
    func stallTime() throws -> Duration {
        if let stallTimeout { return try Seconds.duration(stallTimeout, of: "--stall-timeout") }
        let variable = "TIBET_HTTP_TIMEOUT"
        guard let text = ProcessInfo.processInfo.environment[variable], !text.isEmpty else { return .seconds(30) }
        guard let seconds = Double(text) else {
            throw UsageError("\(variable) '\(text)' is not a number", remedy: "set it to seconds, for example 10")
        }
        return try Seconds.duration(seconds, of: variable)
    }

    /// Refuses what can be refused before anything is done.
    func check() throws {
        _ = try connectTime()
        _ = try stallTime()
    }

    /// The carrier's configuration for a sender.
    func configuration(for sender: Identity, name: String) throws -> HTTPCarrierConfiguration {
        var configuration = try configuration()
        configuration.signingKey = noHttpAuth ? nil : sender.key
        // The peers look the claim up; only a DID can be found.
        if !noSenderDid, name.hasPrefix("jis:") { configuration.senderDID = name }
        return configuration
    }

    /// The carrier's configuration for requests that nobody signs.
    func configuration() throws -> HTTPCarrierConfiguration {
        var configuration = HTTPCarrierConfiguration()
        configuration.authorities = authorities.map { FilePath($0) }
        configuration.clientCertificate = clientCertificate.map { FilePath($0) }
        configuration.clientKey = clientKey.map { FilePath($0) }
        configuration.connectTime = try connectTime()
        configuration.stallTime = try stallTime()
        configuration.userAgent = "tcd/" + Version.number
        return configuration
    }
}
