import Fabric
import Foundation
import ProgramRunner
import SSHServerRunner
import SystemPackage
import Testing

@testable import CarrierSCP

@Suite("Delivering to a real sshd", .serialized)
struct DeliveryTests {
    @Test("Every byte arrives, whatever the account may do", arguments: SSHServer.Kind.allCases)
    func everyByteArrives(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let carrier = server.carrier
        for count in [0, 1, 30_000, (4 << 20) + 1] {
            let bytes = noise(count, seed: UInt64(count))
            let name = "2026-05-14.demo.n\(count).normal.tza"
            let reports = Reports()
            let receipt = try await carrier.deliver(
                envelope(bytes, name: name), along: server.route(), reporting: reports.sink)
            #expect(receipt.strength == .stored)
            #expect(receipt.storedName == name)
            #expect(receipt.farDigest == (kind == .restricted ? nil : Digest(of: bytes)))
            #expect(!receipt.wasDuplicate && receipt.resumedFrom == 0)
            #expect(server.content(name) == bytes)
            #expect(reports.seen == reports.seen.sorted())
            #expect(reports.seen.last == Int64(count))
            #expect(reports.seen.count { $0 == Int64(count) } == 1)
        }
        #expect(server.names.allSatisfy { !$0.hasPrefix(".") })
    }

    @Test("The same envelope twice is one object", arguments: SSHServer.Kind.allCases)
    func twice(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let first = try await server.carrier.deliver(envelope([1, 2]), along: server.route())
        let second = try await server.carrier.deliver(envelope([1, 2]), along: server.route())
        #expect(!first.wasDuplicate && second.wasDuplicate)
        #expect(second.storedName == demoName)
        #expect(second.strength == .stored)
        #expect(server.names == [demoName])
    }

    @Test("Other bytes under the name survive, and ours too", arguments: SSHServer.Kind.allCases)
    func collision(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let carrier = server.carrier
        _ = try await carrier.deliver(envelope([1]), along: server.route())
        let second = try await carrier.deliver(envelope([2]), along: server.route())
        #expect(second.storedName == ArrivalName(demoName)?.distinguished(by: Digest(of: [2]).shortHex)?.text)
        #expect(server.content(demoName) == [1])
        #expect(server.content(second.storedName ?? "") == [2])
        // Again: found beside the other.
        let third = try await carrier.deliver(envelope([2]), along: server.route())
        #expect(third.wasDuplicate && third.storedName == second.storedName)
        #expect(server.names.count == 2)
    }

    @Test("A name that is taken by a directory or a link is left alone", arguments: SSHServer.Kind.allCases)
    func takenByOthers(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        try server.folder.folder("inbox/\(demoName)")
        let second = "2026-05-14.demo.link.normal.tza"
        try server.folder.write("elsewhere", [9])
        try FileManager.default.createSymbolicLink(
            at: server.folder("inbox/\(second)"), withDestinationURL: server.folder("elsewhere"))
        for name in [demoName, second] {
            let receipt = try await server.carrier.deliver(envelope([1], name: name), along: server.route())
            #expect(receipt.storedName == ArrivalName(name)?.distinguished(by: Digest(of: [1]).shortHex)?.text)
        }
        #expect(try server.folder.names("inbox/\(demoName)").isEmpty)
        #expect(try server.folder.read("elsewhere") == Data([9]))
    }

    @Test("A source of another length or content publishes nothing", arguments: SSHServer.Kind.allCases)
    func badSource(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let carrier = server.carrier
        for given: [UInt8] in [[], [1, 2], [1, 2, 3, 4], [9, 9, 9]] {
            let error = await carrier.failure(envelope([1, 2, 3], giving: given), along: server.route())
            #expect(error?.kind == .corrupted)
            #expect(error?.action == .giveUp)
            #expect(server.names.isEmpty)
        }
    }

    @Test("Many at once: each arrives once, and equal ones are one", arguments: SSHServer.Kind.allCases)
    func manyAtOnce(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let carrier = server.carrier
        let route = server.route()
        let envelopes = (0..<12).map { envelope([UInt8](repeating: UInt8($0 % 3), count: 200_000)) }
        let stored = try await withThrowingTaskGroup(of: String?.self) { group in
            for envelope in envelopes {
                group.addTask { try await carrier.deliver(envelope, along: route).storedName }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(stored.count == 3)
        #expect(server.names.count == 3)
    }

    @Test("Two carriers with the same envelope at once", arguments: SSHServer.Kind.allCases)
    func twoCarriers(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let route = server.route()
        let bytes = noise(3 << 20)
        let carriers = (0..<3).map { _ in server.carrier }
        try await withThrowingTaskGroup(of: DeliveryReceipt.self) { group in
            for carrier in carriers { group.addTask { try await carrier.deliver(envelope(bytes), along: route) } }
            for try await receipt in group { #expect(receipt.storedName == demoName) }
        }
        let last = try await server.carrier.deliver(envelope(bytes), along: route)
        #expect(last.storedName == demoName)
        #expect(server.names == [demoName])
        #expect(server.content(demoName) == bytes)
    }

    @Test("One connection serves one delivery after another")
    func oneConnection() async throws {
        let server = try await SSHServer.start(options: ["LogLevel DEBUG1"])
        let relay = try HoldingRelay(to: "http://127.0.0.1:\(server.port)", holdingAfter: .max)
        let port = Int(relay.url.split(separator: ":").last!)!
        try server.knowLines(["[127.0.0.1]:\(port) " + server.publicKey("host_ed25519")])
        let carrier = server.carrier
        _ = try await carrier.deliver(envelope([0], name: "first.tza"), along: server.route(port: port))
        // Nobody is let in anew.
        try await server.stop()
        for index in 1...20 {
            let receipt = try await carrier.deliver(
                envelope([UInt8(index)], name: "n\(index).tza"), along: server.route(port: port))
            #expect(receipt.strength == .stored)
        }
        #expect(server.names.count == 21)
    }

    @Test("A connection that was closed while it waited is replaced")
    func closedWhileWaiting() async throws {
        let server = try await SSHServer.start()
        let relay = try HoldingRelay(to: "http://127.0.0.1:\(server.port)", holdingAfter: .max)
        let port = Int(relay.url.split(separator: ":").last!)!
        try server.knowLines([
            "[127.0.0.1]:* x", "[127.0.0.1]:\(port),[127.0.0.1]:\(server.port) " + server.publicKey("host_ed25519"),
        ])
        try server.folder.write("ssh_config", Array("Host far\n HostName 127.0.0.1\n Port \(port)\n".utf8))
        let carrier = server.carrier
        let route = Route(scheme: "scp", address: "\(server.user)@far:\(server.folder.path("inbox"))")
        _ = try await carrier.deliver(envelope([1], name: "a.tza"), along: route)
        relay.close()
        try server.folder.write("ssh_config", Array("Host far\n HostName 127.0.0.1\n Port \(server.port)\n".utf8))
        _ = try await carrier.deliver(envelope([2], name: "b.tza"), along: route)
        #expect(server.names == ["a.tza", "b.tza"])
    }

    @Test("A probe leaves nothing, and finds what is wrong", arguments: SSHServer.Kind.allCases)
    func probe(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        try await server.carrier.probe(server.route())
        #expect(server.names.isEmpty)
        let missing = await #expect(throws: CarrierError.self) {
            try await server.carrier.probe(server.route(to: server.folder.path("missing")))
        }
        #expect(missing?.kind == .misconfigured)
        let closed = await #expect(throws: CarrierError.self) {
            try await server.carrier.probe(server.route(to: "/sys/kernel"))
        }
        #expect(closed?.kind == .refused, "\(String(describing: closed))")
    }

    @Test("A shell that never answers is done without")
    func hangingShell() async throws {
        let server = try await SSHServer.start(options: [
            "ForceCommand case \"$SSH_ORIGINAL_COMMAND\" in *sftp-server) exec $SSH_ORIGINAL_COMMAND;; *) exec cat >/dev/null;; esac"
        ])
        var configuration = server.configuration
        configuration.stallTime = .seconds(2)
        let receipt = try await SCPCarrier(configuration: configuration).deliver(envelope([1]), along: server.route())
        #expect(receipt.strength == .stored && receipt.farDigest == nil)
        #expect(server.names == [demoName])
    }

    @Test("An account that may do nothing is told so")
    func nothingAllowed() async throws {
        let server = try await SSHServer.start(.withoutSFTP, options: ["ForceCommand /bin/false"])
        let error = await server.carrier.failure(envelope([1]), along: server.route())
        #expect(error?.kind == .refused)
        #expect(error?.description.contains("neither by SFTP nor") == true)
    }
}
