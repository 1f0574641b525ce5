package import CarrierSCP
package import Fabric
import Foundation
import Glibc
package import ProgramRunner
import SystemPackage

/// Debian's sshd on a free port of the loopback interface, with host keys, a client key and a folder of its own.
package final class SSHServer: Sendable {
    /// What the account may do.
    package enum Kind: String, CaseIterable, Sendable {
        /// Debian's own configuration.
        case usual
        /// Commands, and no SFTP.
        case withoutSFTP
        /// SFTP, and no commands.
        case restricted
    }

    package let folder: WorkFolder
    package let port: Int
    package let user: String
    private let program: Program

    private init(_ folder: WorkFolder, _ port: Int, _ program: Program) {
        self.folder = folder
        self.port = port
        self.program = program
        user = Self.account
    }

    package static let account = String(cString: getpwuid(getuid())!.pointee.pw_name)

    /// Starts it, and returns once it listens.
    ///
    /// - Parameters:
    ///   - hostKeys: The types of its keys.
    ///   - options: More lines for its configuration; they win over all others.
    package static func start(
        _ kind: Kind = .usual, hostKeys: [String] = ["ed25519"], options: [String] = []
    ) async throws -> SSHServer {
        try await start(kind, hostKeys: hostKeys) { _ in options }
    }

    /// As `start`, with options that need the server's folder.
    package static func start(
        _ kind: Kind, hostKeys: [String] = ["ed25519"], options: (WorkFolder) throws -> [String]
    ) async throws -> SSHServer {
        let folder = try WorkFolder()
        let options = try options(folder)
        for type in hostKeys { try await makeKey(folder.path("host_\(type)"), type: type) }
        try await makeKey(folder.path("id_ed25519"), type: "ed25519")
        try FileManager.default.copyItem(at: folder("id_ed25519.pub"), to: folder("authorized_keys"))
        try folder.folder("inbox")
        try folder.write("ssh_config", Array("".utf8))
        // Where it puts its unprivileged half; the system's service makes it at its start.
        if getuid() == 0 { mkdir("/run/sshd", 0o755) }
        let port = try FreePort.find()
        let own = [
            "Port \(port)", "ListenAddress 127.0.0.1", "PidFile none", "UsePAM no", "StrictModes no",
            "PermitRootLogin yes", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
            "AuthorizedKeysFile \(folder.path("authorized_keys"))", "MaxStartups 100",
        ]
        let lines = options + own + hostKeys.map { "HostKey \(folder.path("host_\($0)"))" } + kind.lines
        try folder.write("sshd_config", Array((lines.joined(separator: "\n") + "\n").utf8))
        let program = try Program("/usr/sbin/sshd", ["-D", "-e", "-f", folder.path("sshd_config")], in: folder.url)
        _ = try await program.line(containing: "Server listening on")
        let server = SSHServer(folder, port, program)
        try server.know(hostKeys)
        return server
    }

    /// Makes a pair of keys.
    package static func makeKey(_ path: String, type: String, options: [String] = ["-N", ""]) async throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        let program = try Program("/usr/bin/ssh-keygen", ["-q", "-t", type, "-f", path] + options, in: folder)
        let outcome = try await program.outcome()
        guard outcome.status == 0 else { throw Unexpected(description: "ssh-keygen: \(outcome)") }
    }

    /// Writes these of its keys, and nothing else, into the client's file of known hosts.
    package func know(_ types: [String]) throws {
        try knowLines(try types.map { "[127.0.0.1]:\(port) " + (try publicKey("host_\($0)")) })
    }

    package func knowLines(_ lines: [String]) throws {
        try folder.write("known_hosts", Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    /// The type and the key in base64.
    package func publicKey(_ name: String) throws -> String {
        String(decoding: try folder.read(name + ".pub"), as: UTF8.self).split(separator: " ").prefix(2)
            .joined(separator: " ")
    }

    /// What is in the file of known hosts.
    package var knownHosts: String { String(decoding: (try? folder.read("known_hosts")) ?? Data(), as: UTF8.self) }

    /// A client that has its key and knows it, and has nothing of the account that runs the tests.
    package var configuration: SCPCarrierConfiguration {
        var configuration = SCPCarrierConfiguration()
        configuration.identities = [FilePath(folder.path("id_ed25519"))]
        configuration.knownHosts = [FilePath(folder.path("known_hosts"))]
        configuration.sshConfiguration = FilePath(folder.path("ssh_config"))
        configuration.agentSocket = ""
        return configuration
    }

    /// Options for `tcd`, after which it is such a client.
    package func clientOptions() throws -> [String] {
        let lines = ["UserKnownHostsFile \(folder.path("known_hosts"))", "IdentityAgent none", "IdentitiesOnly yes"]
        let file = try folder.write("client_config", Array(lines.map { $0 + "\n" }.joined().utf8))
        return ["--ssh-config", file, "--ssh-identity", folder.path("id_ed25519")]
    }

    package var carrier: SCPCarrier { SCPCarrier(configuration: configuration) }

    /// The inbox, or another directory.
    package func route(to directory: String? = nil, port other: Int? = nil) -> Route {
        let plain = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-._".utf8)
        let path = (directory ?? folder.path("inbox")).utf8.map { byte in
            plain.contains(byte) ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte])
        }
        return Route(scheme: "scp", address: "scp://\(user)@127.0.0.1:\(other ?? port)\(path.joined())")
    }

    /// The inbox, as a program is told.
    package var inbox: String { route().address }

    /// What is in the inbox, hidden files included.
    package var names: [String] { (try? folder.names("inbox")) ?? [] }

    package func content(_ name: String) -> [UInt8]? { (try? folder.read("inbox/" + name)).map { Array($0) } }

    /// Listens no more. What it serves goes on.
    package func stop() async throws {
        program.signal(SIGTERM)
        _ = try await program.line(containing: "Received signal 15")
    }
}

extension SSHServer.Kind {
    fileprivate var lines: [String] {
        switch self {
        case .usual: ["Include /etc/ssh/sshd_config"]
        case .withoutSFTP: []
        case .restricted: ["Subsystem sftp internal-sftp", "ForceCommand internal-sftp"]
        }
    }
}

/// Something that a test needs did not come about.
package struct Unexpected: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) { self.description = description }
}
