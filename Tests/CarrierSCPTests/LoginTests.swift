import Fabric
import Foundation
import Glibc
import ProgramRunner
import SSHServerRunner
import Synchronization
import SystemPackage
import Testing

@testable import CarrierSCP

@Suite("Logging in to a real sshd", .serialized)
struct LoginTests {
    /// A client that shows the key of this name.
    private func carrier(
        _ server: SSHServer, key: String?, agent: String = "",
        passphrase: (@Sendable (String) -> String?)? = nil
    ) -> SCPCarrier {
        var configuration = server.configuration
        configuration.identities = key.map { [FilePath(server.folder.path($0))] } ?? []
        configuration.agentSocket = agent
        configuration.passphrase = passphrase
        configuration.stallTime = .seconds(20)
        return SCPCarrier(configuration: configuration)
    }

    /// Makes a key, and lets it in.
    private func makeKey(_ server: SSHServer, _ name: String, type: String = "ed25519", options: [String]) async throws
    {
        try await SSHServer.makeKey(server.folder.path(name), type: type, options: options)
        let keys = String(decoding: try server.folder.read("authorized_keys"), as: UTF8.self)
        try server.folder.write("authorized_keys", Array((keys + server.publicKey(name) + "\n").utf8))
    }

    /// An agent, and the path of its socket.
    private func agent(_ server: SSHServer, holding keys: [String], passphrase: String? = nil) async throws -> Program {
        let socket = server.folder.path("agent")
        let agent = try Program("/usr/bin/ssh-agent", ["-D", "-a", socket], in: server.folder.url)
        _ = try await agent.line(containing: "SSH_AUTH_SOCK")
        try server.folder.write("askpass", Array("#!/bin/sh\necho '\(passphrase ?? "")'\n".utf8))
        chmod(server.folder.path("askpass"), 0o700)
        for key in keys {
            let add = try Program(
                "/usr/bin/ssh-add", ["-q", server.folder.path(key)], in: server.folder.url,
                environment: [
                    "SSH_AUTH_SOCK": socket, "SSH_ASKPASS": server.folder.path("askpass"),
                    "SSH_ASKPASS_REQUIRE": "force",
                ])
            let outcome = try await add.outcome()
            #expect(outcome.status == 0, "\(outcome)")
        }
        return agent
    }

    @Test("Keys of every kind that libssh2 can use", arguments: ["ed25519", "ecdsa"])
    func kinds(type: String) async throws {
        let server = try await SSHServer.start()
        try await makeKey(server, "key", type: type, options: ["-N", ""])
        let receipt = try await carrier(server, key: "key").deliver(envelope([1]), along: server.route())
        #expect(receipt.strength == .stored)
    }

    @Test("The agent's keys", arguments: ["ed25519", "ecdsa"])
    func fromAgent(type: String) async throws {
        let server = try await SSHServer.start()
        try await makeKey(server, "key", type: type, options: ["-N", ""])
        let agent = try await agent(server, holding: ["key"])
        let carrier = carrier(server, key: nil, agent: server.folder.path("agent"))
        let receipt = try await carrier.deliver(envelope([1]), along: server.route())
        #expect(receipt.strength == .stored)
        agent.kill()
    }

    @Test("A key with a passphrase: asked once, and not at all for a key that is not let in")
    func passphrase() async throws {
        let server = try await SSHServer.start()
        try await makeKey(server, "locked", options: ["-N", "open sesame"])
        try await SSHServer.makeKey(server.folder.path("stranger"), type: "ed25519", options: ["-N", "open sesame"])
        let asked = Mutex<[String]>([])
        let answer: @Sendable (String) -> String? = { path in
            asked.withLock { $0.append(path) }
            return "open sesame"
        }
        _ = try await carrier(server, key: "locked", passphrase: answer).deliver(envelope([1]), along: server.route())
        #expect(asked.withLock { $0 } == [server.folder.path("locked")])
        let stranger = await carrier(server, key: "stranger", passphrase: answer)
            .failure(envelope([2]), along: server.route())
        #expect(stranger?.kind == .refused)
        #expect(stranger?.description.contains("does not let in '\(server.folder.path("stranger"))'") == true)
        #expect(asked.withLock { $0.count } == 1)
    }

    @Test("A wrong passphrase, and none, are told apart")
    func wrongPassphrase() async throws {
        let server = try await SSHServer.start()
        try await makeKey(server, "locked", options: ["-N", "open sesame"])
        let wrong = await carrier(server, key: "locked", passphrase: { _ in "shut" })
            .failure(envelope([1]), along: server.route())
        #expect(wrong?.kind == .refused && wrong?.action == .waitForPerson)
        #expect(wrong?.description.contains("the passphrase for") == true)
        let none = await carrier(server, key: "locked").failure(envelope([1]), along: server.route())
        #expect(none?.description.contains("needs a passphrase") == true)
        #expect(none?.description.contains("ssh-add") == true)
        #expect(server.names.isEmpty)
    }

    @Test(
        "A cipher that libssh2 does not know is named; the agent is the way out",
        arguments: ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com"])
    func unsupportedCipher(cipher: String) async throws {
        let server = try await SSHServer.start()
        try await makeKey(server, "locked", options: ["-N", "open sesame", "-Z", cipher])
        let error = await carrier(server, key: "locked", passphrase: { _ in "open sesame" })
            .failure(envelope([1]), along: server.route())
        #expect(error?.kind == .refused)
        #expect(error?.description.contains(cipher) == true)
        #expect(error?.description.contains("ssh-add") == true)
        let agent = try await agent(server, holding: ["locked"], passphrase: "open sesame")
        let receipt = try await carrier(server, key: "locked", agent: server.folder.path("agent"))
            .deliver(envelope([1]), along: server.route())
        #expect(receipt.strength == .stored)
        agent.kill()
    }

    @Test("An RSA key is named, with the way out; another that follows is used")
    func rsa() async throws {
        let server = try await SSHServer.start()
        try await makeKey(server, "rsa", type: "rsa", options: ["-N", ""])
        let error = await carrier(server, key: "rsa").failure(envelope([1]), along: server.route())
        #expect(error?.kind == .refused && error?.action == .waitForPerson)
        #expect(error?.description.contains("RSA key") == true)
        #expect(error?.description.contains("ed25519") == true)
        let agent = try await agent(server, holding: ["rsa", "id_ed25519"])
        _ = try await carrier(server, key: "rsa", agent: server.folder.path("agent"))
            .deliver(envelope([1]), along: server.route())
        agent.kill()
    }

    @Test("A missing key, a file that is none, and a key that is not let in")
    func otherFailures() async throws {
        let server = try await SSHServer.start()
        try await SSHServer.makeKey(server.folder.path("stranger"), type: "ed25519")
        try server.folder.write("nonsense", Array("nonsense".utf8))
        for (key, text) in [
            ("missing", "is not there"), ("nonsense", "holds no private key"), ("stranger", "does not let in"),
        ] {
            let error = await carrier(server, key: key).failure(envelope([1]), along: server.route())
            #expect(error?.kind == .refused && error?.action == .waitForPerson)
            #expect(error?.description.contains(text) == true, "\(String(describing: error))")
        }
        #expect(server.names.isEmpty)
    }

    @Test("A host that takes no keys at all")
    func noKeysTaken() async throws {
        let server = try await SSHServer.start(options: ["PubkeyAuthentication no", "PasswordAuthentication yes"])
        let error = await server.carrier.failure(envelope([1]), along: server.route())
        #expect(error?.kind == .refused)
        #expect(error?.description.contains("lets nobody in by key") == true)
    }

    @Test("An agent that never answers is left alone after a while")
    func silentAgent() async throws {
        let server = try await SSHServer.start()
        let path = server.folder.path("silent")
        let listening = try SilentSocket(path: path)
        var configuration = server.configuration
        configuration.agentSocket = path
        configuration.stallTime = .seconds(2)
        let receipt = try await SCPCarrier(configuration: configuration).deliver(envelope([1]), along: server.route())
        #expect(receipt.strength == .stored)
        withExtendedLifetime(listening) {}
    }
}

/// A socket in the file system that takes connections and says nothing.
private final class SilentSocket {
    private let descriptor: Int32

    init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0, listen(descriptor, 8) == 0 else { throw Unexpected(description: "cannot listen at \(path)") }
    }

    deinit { close(descriptor) }
}
