import CarrierSCP
import Foundation
import Glibc
import ProgramRunner
import SystemPackage

/// Debian's sshd, started for each connection as inetd would start it, with keys of its own.
struct InetdSSH {
    /// A client that is let in, and knows the host by the name `peer`.
    let configuration: SCPCarrierConfiguration

    /// Keys and configurations below `ssh` in `folder`.
    ///
    /// - Parameter hasSFTP: Whether there is an SFTP server; if not, files come by the scp protocol.
    init(in folder: WorkFolder, hasSFTP: Bool) async throws {
        let place = hasSFTP ? "ssh" : "ssh-scp"
        try folder.folder(place)
        for name in ["host", "id"] {
            let program = try Program(
                "/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.path("\(place)/\(name)")],
                in: folder.url)
            let outcome = try await program.outcome()
            guard outcome.status == 0 else { throw CocoaError(.fileWriteUnknown) }
        }
        // Where sshd puts its unprivileged half; the system's service makes it at its start.
        if getuid() == 0 { mkdir("/run/sshd", 0o755) }
        let server = [
            "HostKey \(folder.path("\(place)/host"))", "AuthorizedKeysFile \(folder.path("\(place)/id.pub"))",
            "StrictModes no", "UsePAM no", "PermitRootLogin yes",
            hasSFTP ? "Subsystem sftp /usr/lib/openssh/sftp-server" : "",
        ]
        try folder.write("\(place)/sshd_config", Array((server.joined(separator: "\n") + "\n").utf8))
        let client = """
            Host peer
              ProxyCommand /usr/sbin/sshd -i -f \(folder.path("\(place)/sshd_config"))

            """
        try folder.write("\(place)/config", Array(client.utf8))
        let key = String(decoding: try folder.read("\(place)/host.pub"), as: UTF8.self)
        try folder.write("\(place)/known_hosts", Array("peer \(key)\n".utf8))
        var configuration = SCPCarrierConfiguration()
        configuration.identities = [FilePath(folder.path("\(place)/id"))]
        configuration.sshConfiguration = FilePath(folder.path("\(place)/config"))
        configuration.knownHosts = [FilePath(folder.path("\(place)/known_hosts"))]
        configuration.agentSocket = ""
        self.configuration = configuration
    }
}
