import Fabric
import Foundation
import ProgramRunner
import SSHServerRunner
import Synchronization
import SystemPackage
import Testing

@testable import CarrierSCP

@Suite("The host's key, against a real sshd", .serialized)
struct HostKeyTests {
    /// What ssh-keygen calls the fingerprint of a key.
    private func fingerprint(_ server: SSHServer, _ name: String) async throws -> String {
        let program = try Program("/usr/bin/ssh-keygen", ["-l", "-f", server.folder.path(name)], in: server.folder.url)
        return String(try await program.outcome().output.split(separator: " ")[1])
    }

    /// Makes a key of the same type that the host does not have; its type and base64.
    private func otherKey(_ server: SSHServer, type: String = "ed25519") async throws -> String {
        try await SSHServer.makeKey(server.folder.path("other_\(type)"), type: type)
        return try server.publicKey("other_\(type)")
    }

    private func easy(_ server: SSHServer, told: @escaping @Sendable (AcceptedHostKey) -> Void = { _ in }) -> SCPCarrier
    {
        var configuration = server.configuration
        configuration.acceptNewHostKey = true
        configuration.onAcceptedHostKey = told
        return SCPCarrier(configuration: configuration)
    }

    @Test("Unknown: fingerprint, file and remedy; nothing is recorded")
    func unknown() async throws {
        let server = try await SSHServer.start()
        try server.knowLines([])
        let error = await server.carrier.failure(envelope([1]), along: server.route())
        #expect(error?.kind == .refused && error?.action == .waitForPerson)
        let text = error?.description ?? ""
        #expect(text.contains("is not known"))
        #expect(text.contains(try await fingerprint(server, "host_ed25519")))
        #expect(text.contains(server.folder.path("known_hosts")))
        #expect(text.contains("--accept-new-host-key"))
        #expect(server.knownHosts.isEmpty && server.names.isEmpty)
    }

    @Test("Unknown and accepted: recorded, told, and known from then on", arguments: [false, true])
    func accepted(hashed: Bool) async throws {
        let server = try await SSHServer.start()
        try FileManager.default.removeItem(at: server.folder("known_hosts"))
        try server.folder.write("ssh_config", Array("HashKnownHosts \(hashed ? "yes" : "no")\n".utf8))
        let told = Mutex<[AcceptedHostKey]>([])
        let carrier = easy(server) { key in told.withLock { $0.append(key) } }
        let route = server.route()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<4 {
                group.addTask { _ = try await carrier.deliver(envelope([1], name: "n\(index).tza"), along: route) }
            }
            try await group.waitForAll()
        }
        let keys = told.withLock { $0 }
        #expect(keys.count == 1)
        #expect(keys.first?.host == "[127.0.0.1]:\(server.port)")
        #expect(keys.first?.type == "ssh-ed25519")
        #expect(keys.first?.fingerprint == (try await fingerprint(server, "host_ed25519")))
        let lines = server.knownHosts.split(separator: "\n")
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix(hashed ? "|1|" : "[127.0.0.1]:\(server.port) ") == true)
        let mode = try FileManager.default.attributesOfItem(atPath: server.folder.path("known_hosts"))[
            .posixPermissions]
        #expect(mode as? Int == 0o600)
        // ssh itself understands what was written.
        let search = try Program(
            "/usr/bin/ssh-keygen",
            ["-F", "[127.0.0.1]:\(server.port)", "-f", server.folder.path("known_hosts")], in: server.folder.url)
        #expect(try await search.outcome().status == 0)
        _ = try await server.carrier.deliver(envelope([2], name: "later.tza"), along: route)
    }

    @Test("Changed: never retried, never eased; names the line and how to remove it")
    func changed() async throws {
        let server = try await SSHServer.start()
        let other = try await otherKey(server)
        try server.knowLines(["# a comment", "[127.0.0.1]:\(server.port) \(other)"])
        for carrier in [server.carrier, easy(server)] {
            let error = await carrier.failure(envelope([1]), along: server.route())
            #expect(error?.kind == .hostKeyChanged && error?.action == .waitForPerson)
            let text = error?.description ?? ""
            #expect(text.contains("has changed"))
            #expect(text.contains(try await fingerprint(server, "host_ed25519")))
            #expect(text.contains(try await fingerprint(server, "other_ed25519")))
            #expect(text.contains("'\(server.folder.path("known_hosts"))' line 2"))
            #expect(text.contains("ssh-keygen -R [127.0.0.1]:\(server.port) -f \(server.folder.path("known_hosts"))"))
        }
        #expect(server.names.isEmpty)
        #expect(server.knownHosts.split(separator: "\n").count == 2)
    }

    @Test("Of another type than the known one: its own error, never eased")
    func otherType() async throws {
        let server = try await SSHServer.start()
        let other = try await otherKey(server, type: "ecdsa")
        try server.knowLines(["[127.0.0.1]:\(server.port) \(other)"])
        for carrier in [server.carrier, easy(server)] {
            let error = await carrier.failure(envelope([1]), along: server.route())
            #expect(error?.kind == .refused && error?.action == .waitForPerson)
            let text = error?.description ?? ""
            #expect(text.contains("another type"))
            #expect(text.contains("ecdsa-sha2-nistp256") && text.contains("ssh-ed25519"))
            #expect(text.contains("line 1"))
        }
        #expect(server.names.isEmpty)
    }

    @Test("Revoked: its own error, even when it is known as well")
    func revoked() async throws {
        let server = try await SSHServer.start()
        let key = try server.publicKey("host_ed25519")
        try server.knowLines(["[127.0.0.1]:\(server.port) \(key)", "@revoked * \(key)"])
        for carrier in [server.carrier, easy(server)] {
            let error = await carrier.failure(envelope([1]), along: server.route())
            #expect(error?.kind == .hostKeyChanged && error?.action == .waitForPerson)
            #expect(error?.description.contains("revoked") == true)
            #expect(error?.description.contains("line 2") == true)
        }
        #expect(server.names.isEmpty)
    }

    @Test("A file that cannot be read is not a file without keys")
    func unreadable() async throws {
        let server = try await SSHServer.start()
        try FileManager.default.removeItem(at: server.folder("known_hosts"))
        try server.folder.folder("known_hosts")
        for carrier in [server.carrier, easy(server)] {
            let error = await carrier.failure(envelope([1]), along: server.route())
            #expect(error?.kind == .misconfigured && error?.action == .waitForPerson)
            #expect(error?.description.contains("cannot read the known hosts") == true)
        }
    }

    @Test("The type that is known is the type that is asked for", arguments: ["ed25519", "ecdsa"])
    func preferredType(type: String) async throws {
        let server = try await SSHServer.start(hostKeys: ["ed25519", "ecdsa"])
        try server.know([type])
        let receipt = try await server.carrier.deliver(envelope([1]), along: server.route())
        #expect(receipt.strength == .stored)
    }

    @Test("Hashed entries, as ssh-keygen -H makes them")
    func hashed() async throws {
        let server = try await SSHServer.start()
        let program = try Program(
            "/usr/bin/ssh-keygen", ["-H", "-f", server.folder.path("known_hosts")], in: server.folder.url)
        #expect(try await program.outcome().status == 0)
        #expect(server.knownHosts.hasPrefix("|1|"))
        _ = try await server.carrier.deliver(envelope([1]), along: server.route())
    }

    @Test("A host that has only an RSA key is told apart, with a way out")
    func onlyRSA() async throws {
        let server = try await SSHServer.start(hostKeys: ["rsa"])
        let error = await server.carrier.failure(envelope([1]), along: server.route())
        #expect(error?.kind == .misconfigured && error?.action == .waitForPerson)
        #expect(error?.description.contains("only an RSA host key") == true)
        #expect(error?.description.contains("ssh-keygen -A") == true)
    }

    @Test("HostKeyAlias, and StrictHostKeyChecking that is not listened to")
    func alias() async throws {
        let server = try await SSHServer.start()
        try server.folder.write("ssh_config", Array("HostKeyAlias friend\nStrictHostKeyChecking no\n".utf8))
        let refused = await server.carrier.failure(envelope([1]), along: server.route())
        #expect(refused?.description.contains("friend is not known") == true)
        try server.knowLines(["friend " + server.publicKey("host_ed25519")])
        _ = try await server.carrier.deliver(envelope([1]), along: server.route())
    }
}
