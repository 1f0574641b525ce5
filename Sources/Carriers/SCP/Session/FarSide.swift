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
        var reasons: [Absence] = []
        switch try SFTPServer.start(on: connection) {
        case .started(let server): sftp = server
        case .absent(let reason):
            sftp = nil
            reasons.append(reason)
        }
        switch try RemoteShell.start(on: connection, isNeeded: sftp == nil) {
        case .started(let started): shell = started
        case .absent(let reason):
            shell = nil
            reasons.append(reason)
        }
        guard sftp != nil || shell != nil else { throw Self.nothingWorks(connection.settings, reasons) }
    }

    private static func nothingWorks(_ settings: SSHSettings, _ reasons: [Absence]) -> SSHFailure {
        let list = reasons.map(\.reason).joined(separator: ", and ")
        return .explained(
            CarrierError(
                .refused, .tryNextRoute,
                "\(settings.knownName) lets \(settings.user) in, but neither by SFTP nor to run commands: it \(list)",
                remedy: reasons.lazy.compactMap(\.suggestion).first
                    ?? "allow SFTP for this user at the far side ('Subsystem sftp internal-sftp' in sshd_config)"))
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
