package import CarrierSCP
package import Fabric
package import ProgramRunner
import SystemPackage

/// `rclone serve sftp`, of a folder of its own, on a free port of the loopback interface. It runs no commands, stores
/// nothing when it is told to, and empties every file that is opened for writing.
package final class RcloneSFTPServer: Sendable {
    package let folder: WorkFolder
    package let port: Int
    private let program: Program

    /// Starts it, and returns once it listens.
    ///
    /// - Parameter options: More options of rclone's.
    package init(options: [String] = []) async throws {
        folder = try WorkFolder()
        port = try FreePort.find()
        try folder.folder("inbox")
        for name in ["host_key", "id_ed25519"] { try await SSHServer.makeKey(folder.path(name), type: "ed25519") }
        let key = String(decoding: try folder.read("host_key.pub"), as: UTF8.self)
        try folder.write("known_hosts", Array("[127.0.0.1]:\(port) \(key)".utf8))
        try folder.write("ssh_config", Array("".utf8))
        program = try Program(
            "/usr/bin/rclone",
            [
                "serve", "sftp", folder.path("inbox"), "--addr", "127.0.0.1:\(port)", "--user", "me",
                "--authorized-keys", folder.path("id_ed25519.pub"), "--key", folder.path("host_key"),
                "--config", folder.path("rclone.conf"), "--cache-dir", folder.path("cache"),
            ] + options, in: folder.url)
        _ = try await program.line(containing: "SFTP server listening on")
    }

    /// A client that has its key and knows it.
    package var carrier: SCPCarrier {
        var configuration = SCPCarrierConfiguration()
        configuration.identities = [FilePath(folder.path("id_ed25519"))]
        configuration.knownHosts = [FilePath(folder.path("known_hosts"))]
        configuration.sshConfiguration = FilePath(folder.path("ssh_config"))
        configuration.agentSocket = ""
        return SCPCarrier(configuration: configuration)
    }

    /// The inbox, or a directory below it.
    package func route(to directory: String = "") -> Route {
        Route(scheme: "scp", address: "scp://me@127.0.0.1:\(port)/\(directory)")
    }

    /// What is in the inbox, hidden files included.
    package var names: [String] { (try? folder.names("inbox")) ?? [] }

    package func content(_ name: String) -> [UInt8]? { (try? folder.read("inbox/" + name)).map { Array($0) } }
}
