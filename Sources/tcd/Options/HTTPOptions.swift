internal import ArgumentParser
internal import CarrierHTTP
internal import Fabric
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
        help: ArgumentHelp("Give up when nothing useful has moved for this time.", valueName: "seconds"))
    var stallTimeout: Double = 30

    /// The carrier's configuration for a sender.
    func configuration(for sender: Identity, name: String) throws -> HTTPCarrierConfiguration {
        guard connectTimeout > 0, stallTimeout > 0 else {
            throw UsageError("a time-out must be longer than 0 seconds")
        }
        var configuration = HTTPCarrierConfiguration(signingKey: noHttpAuth ? nil : sender.key)
        // The peers look the claim up; only a DID can be found.
        if !noSenderDid, name.hasPrefix("jis:") { configuration.senderDID = name }
        configuration.authorities = authorities.map { FilePath($0) }
        configuration.clientCertificate = clientCertificate.map { FilePath($0) }
        configuration.clientKey = clientKey.map { FilePath($0) }
        configuration.connectTime = .seconds(connectTimeout)
        configuration.stallTime = .seconds(stallTimeout)
        configuration.userAgent = "tcd/" + Version.number
        return configuration
    }
}
