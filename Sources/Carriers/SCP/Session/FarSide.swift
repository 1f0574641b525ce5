internal import CSSH2
internal import Fabric

/// A connection with what was found to work over it. Used by one delivery at a time, and then by another.
///
/// @unchecked: whoever took it from the pool is the only one to use it, on one thread.
final class FarSide: @unchecked Sendable {
    let connection: SSHConnection
    private let configuration: SCPCarrierConfiguration
    private let sftp: SFTPServer?
    private let shell: RemoteShell?

    /// Finds out what can be done over `connection`.
    ///
    /// - Throws: `refused` when this user may neither use SFTP nor run commands.
    init(_ connection: SSHConnection, _ configuration: SCPCarrierConfiguration) throws(SSHFailure) {
        self.connection = connection
        self.configuration = configuration
        sftp = try SFTPServer.start(on: connection)
        shell = try RemoteShell.start(on: connection, isNeeded: sftp == nil)
        guard sftp != nil || shell != nil else {
            throw .explained(
                CarrierError(
                    .refused, .tryNextRoute,
                    "\(connection.settings.knownName) lets \(connection.settings.user) in, but neither by SFTP nor to run commands",
                    remedy: "allow SFTP for this user at the far side ('Subsystem sftp internal-sftp' in sshd_config)"))
        }
    }

    /// The directory of `address`, as a new delivery sees it.
    func directory(of address: SCPAddress) throws(SSHFailure) -> any FarDirectory {
        let pace = PaceWatch(window: configuration.stallTime, rate: configuration.minimumRate)
        if let sftp {
            return SFTPDirectory(sftp, shell: shell, path: address.directory, pace: pace)
        }
        guard let shell else { throw .code(LIBSSH2_ERROR_CHANNEL_FAILURE, during: "starting SFTP") }
        return try ShellDirectory(shell, on: connection, path: address.directory, pace: pace)
    }
}
