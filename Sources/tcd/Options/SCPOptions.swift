internal import ArgumentParser
internal import CarrierSCP
internal import Fabric
internal import Glibc
internal import SystemPackage

/// How deliveries over ssh are made.
struct SCPOptions: ParsableArguments {
    @Option(
        name: [.customShort("i"), .customLong("ssh-identity")],
        help: ArgumentHelp("A private key to log in with, before those that ssh is configured with.", valueName: "file")
    )
    var identities: [String] = []

    @Option(
        name: [.customShort("F"), .customLong("ssh-config")],
        help: ArgumentHelp("Read this configuration of ssh instead of the user's.", valueName: "file"))
    var configurationFile: String?

    @Flag(
        name: .long,
        help: "Take the key of a host that is not known yet on trust, and record it. A key that changed is never taken."
    )
    var acceptNewHostKey = false

    /// The carrier's configuration.
    ///
    /// - Parameter accepted: Told of each host key that was taken on trust.
    func configuration(
        connectTime: Duration, stallTime: Duration, accepted: @escaping @Sendable (AcceptedHostKey) -> Void
    ) -> SCPCarrierConfiguration {
        var configuration = SCPCarrierConfiguration()
        configuration.identities = identities.map { FilePath($0) }
        configuration.sshConfiguration = configurationFile.map { FilePath($0) }
        configuration.acceptNewHostKey = acceptNewHostKey
        configuration.onAcceptedHostKey = accepted
        configuration.connectTime = connectTime
        configuration.stallTime = stallTime
        if isatty(STDIN_FILENO) == 1, isatty(STDERR_FILENO) == 1 { configuration.passphrase = Passphrase.ask }
        return configuration
    }
}
