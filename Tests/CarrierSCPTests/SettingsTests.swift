import Fabric
import Foundation
import ProgramRunner
import SSHServerRunner
import SystemPackage
import Testing

@testable import CarrierSCP

@Suite("The configuration of ssh", .serialized)
struct SettingsTests {
    @Test("An alias with host, port, user and key")
    func alias() async throws {
        let server = try await SSHServer.start()
        try server.folder.write(
            "ssh_config",
            Array(
                """
                Host far
                  HostName 127.0.0.1
                  Port \(server.port)
                  User \(server.user)
                  IdentityFile \(server.folder.path("id_ed25519"))
                  UserKnownHostsFile \(server.folder.path("known_hosts"))
                  StrictHostKeyChecking no

                """.utf8))
        var configuration = server.configuration
        configuration.identities = []
        configuration.knownHosts = nil
        let route = Route(scheme: "scp", address: "far:\(server.folder.path("inbox"))")
        let receipt = try await SCPCarrier(configuration: configuration).deliver(envelope([1]), along: route)
        #expect(receipt.strength == .stored && receipt.route == route)
        #expect(server.names == [demoName])
    }

    @Test("A proxy command is the connection")
    func proxyCommand() async throws {
        let server = try await SSHServer.start()
        // The server itself, as inetd would start it: no network at all.
        try server.folder.write(
            "ssh_config",
            Array(
                "Host behind\n ProxyCommand /usr/sbin/sshd -i -f \(server.folder.path("sshd_config"))\n HostKeyAlias %h\n"
                    .replacingOccurrences(of: "%h", with: "behind").utf8))
        try server.knowLines(["behind " + server.publicKey("host_ed25519")])
        let bytes = noise(5 << 20)
        let route = Route(scheme: "scp", address: "\(server.user)@behind:\(server.folder.path("inbox"))")
        let receipt = try await server.carrier.deliver(envelope(bytes), along: route)
        #expect(receipt.strength == .stored)
        #expect(server.content(demoName) == bytes)
    }

    @Test("A proxy that fails says why")
    func failingProxy() async throws {
        let server = try await SSHServer.start()
        try server.folder.write("complain", Array("echo 'no way through' >&2; exit 3\n".utf8))
        try server.folder.write(
            "ssh_config", Array("Host behind\n ProxyCommand sh \(server.folder.path("complain")) %h\n".utf8))
        let route = Route(scheme: "scp", address: "behind:inbox")
        let error = await server.carrier.failure(envelope([1]), along: route)
        #expect(error?.kind == .unreachable && error?.isRetryable == true)
        #expect(error?.description.contains("no way through") == true)
    }

    @Test("A jump, whose own key is checked as well")
    func proxyJump() async throws {
        let jump = try await SSHServer.start()
        let server = try await SSHServer.start()
        let lines = """
            Host jump
              HostName 127.0.0.1
              Port \(jump.port)
              User \(jump.user)
              IdentityFile \(jump.folder.path("id_ed25519"))
              UserKnownHostsFile \(jump.folder.path("known_hosts"))
            Host behind
              HostName 127.0.0.1
              Port \(server.port)
              ProxyJump jump

            """
        try server.folder.write("ssh_config", Array(lines.utf8))
        let carrier = server.carrier
        let route = Route(scheme: "scp", address: "\(server.user)@behind:\(server.folder.path("inbox"))")
        #expect(try await carrier.deliver(envelope([1]), along: route).strength == .stored)
        try jump.knowLines([])
        let error = await server.carrier.failure(envelope([2]), along: route)
        #expect(error?.kind == .unreachable)
        #expect(error?.description.contains("Host key verification failed") == true, "\(String(describing: error))")
    }

    @Test("Without ssh, its defaults hold")
    func withoutSSH() async throws {
        let server = try await SSHServer.start()
        var configuration = server.configuration
        configuration.sshProgram = server.folder.path("no-such-program")
        let receipt = try await SCPCarrier(configuration: configuration)
            .deliver(envelope([1]), along: server.route())
        #expect(receipt.strength == .stored)
    }

    @Test("A configuration that ssh rejects, and an ssh that never answers")
    func badConfiguration() async throws {
        let server = try await SSHServer.start()
        try server.folder.write("ssh_config", Array("Nonsense yes\n".utf8))
        let error = await server.carrier.failure(envelope([1]), along: server.route())
        #expect(error?.kind == .misconfigured && error?.action == .waitForPerson)
        #expect(error?.description.contains("ssh -G") == true)
        try server.folder.write("slow", Array("#!/bin/sh\nexec sleep 1000\n".utf8))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: server.folder.path("slow"))
        var configuration = server.configuration
        configuration.sshProgram = server.folder.path("slow")
        configuration.connectTime = .seconds(1)
        let slow = await SCPCarrier(configuration: configuration).failure(envelope([1]), along: server.route())
        #expect(slow?.kind == .misconfigured)
    }

    @Test("What a report says")
    func report() throws {
        let text = """
            user bob
            hostname 10.0.0.1
            port 2200
            identitiesonly yes
            identityfile ~/.ssh/id_x
            identityfile %d/keys/%r@%h:%p%%
            userknownhostsfile /a /b
            globalknownhostsfile none
            hashknownhosts yes
            proxycommand none
            identityagent none
            stricthostkeychecking no

            """
        let settings = SSHSettings(report: text, for: try SCPAddress(parsing: "far:x"))
        let home = SSHSettings.account.home
        #expect(settings.user == "bob" && settings.hostName == "10.0.0.1" && settings.port == 2200)
        #expect(settings.identityFiles == [home + "/.ssh/id_x", home + "/keys/bob@10.0.0.1:2200%"])
        #expect(settings.identitiesOnly && settings.hashesKnownHosts && settings.proxy == nil)
        #expect(settings.userKnownHosts == ["/a", "/b"] && settings.globalKnownHosts.isEmpty)
        #expect(settings.agentSocket == "")
        #expect(settings.knownName == "[10.0.0.1]:2200")
        let jump = SSHSettings(report: "hostname fe80::1\nproxyjump a,b@c:22\n", for: try SCPAddress(parsing: "far:x"))
        #expect(jump.proxy == .jump("a,b@c:22"))
        let query = SettingsQuery(configuration: SCPCarrierConfiguration())
        let command = query.jump(through: "a,b@c:22", to: jump)
        #expect(command.suffix(6) == ["-J", "a", "-W", "[fe80::1]:22", "--", "ssh://b@c:22"])
    }
}
