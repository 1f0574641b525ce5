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

    /// The carrier's configuration for a sender.
    func configuration(
        for sender: Identity, name: String, _ connection: ConnectionOptions
    ) throws -> HTTPCarrierConfiguration {
        var configuration = try Self.configuration(connection)
        configuration.signingKey = noHttpAuth ? nil : sender.key
        // Ed25519 signatures do not vary, so this is a secret that lasts as long as the key.
        configuration.uploadSecret = Digest(of: sender.key.sign(Array("tibet-upload-secret-1".utf8)).bytes)
        // The peers look the claim up; only a DID can be found.
        if !noSenderDid, name.hasPrefix("jis:") { configuration.senderDID = name }
        return configuration
    }

    /// The carrier's configuration for requests that nobody signs.
    static func configuration(_ connection: ConnectionOptions) throws -> HTTPCarrierConfiguration {
        var configuration = HTTPCarrierConfiguration()
        configuration.authorities = connection.authorities.map { FilePath($0) }
        configuration.clientCertificate = connection.clientCertificate.map { FilePath($0) }
        configuration.clientKey = connection.clientKey.map { FilePath($0) }
        configuration.connectTime = try connection.connectTime()
        configuration.stallTime = try connection.stallTime()
        configuration.userAgent = "tcd/" + Version.number
        return configuration
    }
}
