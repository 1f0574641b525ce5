import CarrierConformance
import CarrierSCP
import Fabric
import Foundation
import ProgramRunner
import SSHServerRunner
import Synchronization
import Testing

/// The SCP carrier, to a real sshd behind relays that can break.
struct SCPSubject: ConformanceSubject {
    let title: String
    let reasonForNoDigest: String?
    let powers: Set<ConformancePower> = [
        .receipts, .probing, .resuming, .breakage(.full), .breakage(.readOnly), .breakage(.absent),
        .breakage(.diesMidway), .breakage(.diesBeforeAnswering), .breakage(.trickles), .breakage(.slow),
        .breakage(.neverAnswers), .breakage(.answersGarbage), .breakage(.answersLate),
        .breakage(.closesAtOnce), .breakage(.speaksAnother), .breakage(.changedKey), .breakage(.unknownKey),
        .breakage(.otherKeyType),
    ]
    let excuses = excusing([
        (
            "OpenSSH's server keeps what it has; one that does not is tried with 'scp, an odd server'",
            CaseNames.forgetting
        ),
        ("what comes over SCP is put into a directory by sshd: the carrier does not fetch", CaseNames.receiving),
        ("the carrier has no limit of its own", CaseNames.needing(.limit)),
    ])

    private let host: SCPHost

    /// A server of its own, for as long as the subject or a far side of it lives.
    init(_ kind: SSHServer.Kind) async throws {
        title = "scp, \(kind)"
        reasonForNoDigest =
            kind == .restricted
            ? "SFTP has no digests, and reading the bytes back would move them twice: size, fsync and SSH's MAC must do"
            : nil
        host = SCPHost(try await SSHServer.start(kind))
    }

    func makeCarrier() async throws -> any Carrier {
        var configuration = host.server.configuration
        configuration.stallTime = .seconds(4)
        return SCPCarrier(configuration: configuration)
    }

    func makeFarSide() async throws -> any FarSide { try SCPFarSide(host) }
}

/// The SCP carrier, to an SFTP server that can be made to lose what it took.
struct OddSCPSubject: ConformanceSubject {
    let title = "scp, an odd server"
    let powers: Set<ConformancePower> = [
        .receipts, .probing, .resuming, .breakage(.forgets), .breakage(.miscounts),
    ]
    let excuses: [String: String]

    private let server: SSHServer

    /// A server of its own, for as long as the subject or a far side of it lives.
    init() async throws {
        server = try await OddSFTPServer.plain.start(commands: true)
        let others = Set(Breakage.allCases).subtracting([.forgets, .miscounts]).flatMap {
            CaseNames.needing(.breakage($0))
        }
        excuses = excusing([
            ("what is not the SFTP server's own doing is tried with sshd's own server", others),
            ("what comes over SCP is put into a directory by sshd: the carrier does not fetch", CaseNames.receiving),
            ("the carrier has no limit of its own", CaseNames.needing(.limit)),
        ])
    }

    func makeCarrier() async throws -> any Carrier {
        var configuration = server.configuration
        configuration.stallTime = .seconds(4)
        return SCPCarrier(configuration: configuration)
    }

    func makeFarSide() async throws -> any FarSide { try OddSCPFarSide(server) }
}

/// A directory to which the odd server writes.
final class OddSCPFarSide: FarSide {
    let route: Route

    private let server: SSHServer
    private let directory: DirectoryFarSide

    init(_ server: SSHServer) throws {
        self.server = server
        directory = try DirectoryFarSide { Route(scheme: "local", address: $0) }
        route = server.route(to: directory.directory)
    }

    func publishedNames() async throws -> [String] { try await directory.publishedNames() }
    func leftovers() async throws -> [String] { try await directory.leftovers() }
    func object(named name: String) async throws -> PublishedObject? { try await directory.object(named: name) }

    func suffer(_ breakage: Breakage) async throws {
        try (breakage == .forgets ? OddSFTPServer.forgets : .miscounts).become(at: server)
    }

    func mend() async throws { try OddSFTPServer.plain.become(at: server) }

    func close() async { await directory.close() }
}

/// A server, and what its clients know of the ports by which they come to it.
final class SCPHost: Sendable {
    let server: SSHServer

    /// What is known of the key behind each port; its type and base64.
    private let keys = Mutex<[Int: String]>([:])

    init(_ server: SSHServer) { self.server = server }

    /// The server's own key.
    var trueKey: String { get throws { try server.publicKey("host_ed25519") } }

    /// A key that the server has not.
    func falseKey(_ type: String) async throws -> String {
        let name = "false_\(type)"
        if !server.folder.holds(name) { try await SSHServer.makeKey(server.folder.path(name), type: type) }
        return try server.publicKey(name)
    }

    /// From now on clients know this key, or none, behind `port`.
    func know(_ key: String?, at port: Int) throws {
        let lines = keys.withLock { keys in
            keys[port] = key
            return keys.map { "[127.0.0.1]:\($0.key) \($0.value)" }
        }
        try server.knowLines(lines)
    }
}

/// A directory to which sshd writes, and a relay before sshd.
final class SCPFarSide: FarSide {
    let route: Route

    private let host: SCPHost
    private let relay: BreakingRelay
    private let directory: DirectoryFarSide
    /// What was published when the far side began to suffer.
    private let earlier: Earlier

    private final class Earlier: Sendable {
        let names = Mutex<Set<String>>([])
    }

    init(_ host: SCPHost) throws {
        let directory = try DirectoryFarSide { Route(scheme: "local", address: $0) }
        let earlier = Earlier()
        relay = try BreakingRelay(to: host.server.port) {
            let now = (try? directory.names()) ?? []
            return earlier.names.withLock { names in now.contains { !$0.hasPrefix(".") && !names.contains($0) } }
        }
        (self.host, self.directory, self.earlier) = (host, directory, earlier)
        route = host.server.route(to: directory.directory, port: relay.port)
        try host.know(try host.trueKey, at: relay.port)
    }

    func publishedNames() async throws -> [String] { try await directory.publishedNames() }
    func leftovers() async throws -> [String] { try await directory.leftovers() }
    func object(named name: String) async throws -> PublishedObject? { try await directory.object(named: name) }

    func suffer(_ breakage: Breakage) async throws {
        switch breakage {
        case .full, .readOnly: try await directory.suffer(breakage)
        case .changedKey: try host.know(try await host.falseKey("ed25519"), at: relay.port)
        case .otherKeyType: try host.know(try await host.falseKey("ecdsa"), at: relay.port)
        case .unknownKey: try host.know(nil, at: relay.port)
        default:
            let names = try await publishedNames()
            earlier.names.withLock { $0 = Set(names) }
            relay.suffer(breakage)
        }
    }

    func mend() async throws {
        relay.suffer(nil)
        try host.know(try host.trueKey, at: relay.port)
        try await directory.mend()
    }

    func close() async {
        relay.close()
        try? host.know(nil, at: relay.port)
        await directory.close()
    }
}

extension ConformanceTests {
    @Test("The SCP carrier, to a usual server", arguments: quickNames)
    func scp(name: String) async throws { try await Self.check(name, over: SCPSubject(.usual)) }

    @Test("The SCP carrier, to a server without SFTP", arguments: quickNames)
    func scpWithoutSFTP(name: String) async throws { try await Self.check(name, over: SCPSubject(.withoutSFTP)) }

    @Test("The SCP carrier, to a server without commands", arguments: quickNames)
    func scpWithoutCommands(name: String) async throws { try await Self.check(name, over: SCPSubject(.restricted)) }

    @Test("The SCP carrier, to an odd SFTP server", arguments: quickNames)
    func scpOdd(name: String) async throws { try await Self.check(name, over: OddSCPSubject()) }

    @Test("The SCP subject excuses only what exists")
    func scpExcuses() async throws {
        #expect(ConformanceSuite.strayExcuses(of: try await SCPSubject(.usual)).isEmpty)
        #expect(ConformanceSuite.strayExcuses(of: try await OddSCPSubject()).isEmpty)
    }
}
