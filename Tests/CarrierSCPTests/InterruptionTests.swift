import Dispatch
import Fabric
import Foundation
import ProgramRunner
import SSHServerRunner
import SystemPackage
import Testing

@testable import CarrierSCP

@Suite("Deliveries that are interrupted", .serialized)
struct InterruptionTests {
    /// A relay before the server that stops passing bytes on after `budget`, and its port, which the client knows.
    private func relay(_ server: SSHServer, budget: Int) throws -> (relay: HoldingRelay, port: Int) {
        let relay = try HoldingRelay(to: "http://127.0.0.1:\(server.port)", holdingAfter: budget)
        let port = try #require(relay.url.split(separator: ":").last.flatMap { Int($0) })
        try know(server, port)
        return (relay, port)
    }

    private func know(_ server: SSHServer, _ port: Int) throws {
        let key = try server.publicKey("host_ed25519")
        try server.knowLines(["[127.0.0.1]:\(server.port),[127.0.0.1]:\(port) \(key)"])
    }

    /// Interrupts a delivery of `bytes` after about `budget` bytes.
    private func interrupt(_ server: SSHServer, _ bytes: [UInt8], after budget: Int) async throws -> CarrierError? {
        let (relay, port) = try relay(server, budget: budget)
        let carrier = server.carrier
        let route = server.route(port: port)
        let delivery = Task { await carrier.failure(envelope(bytes), along: route) }
        try await relay.held()
        relay.close()
        return await delivery.value
    }

    private func partials(_ server: SSHServer) -> [String] { server.names.filter { $0.hasSuffix(".part") } }

    @Test("Killed in the middle: nothing is published, and it goes on from there", arguments: SSHServer.Kind.allCases)
    func resumes(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let bytes = noise(8 << 20)
        let error = try await interrupt(server, bytes, after: 3 << 20)
        #expect(error?.kind == .unreachable && error?.isRetryable == true, "\(String(describing: error))")
        #expect(server.names.filter { !$0.hasPrefix(".") }.isEmpty)
        #expect(partials(server).count == 1)
        #expect(partials(server).first?.hasPrefix(".\(demoName).") == true)
        let held = try await server.carrier.bytesHeld(of: envelope(bytes), along: server.route())
        #expect(held > 1 << 20 && held <= 3 << 20)
        let reports = Reports()
        let receipt = try await server.carrier.deliver(envelope(bytes), along: server.route(), reporting: reports.sink)
        #expect(receipt.resumedFrom == held)
        #expect(reports.seen.first == held)
        #expect(server.names == [demoName])
        #expect(server.content(demoName) == bytes)
    }

    @Test("Killed again and again, it still arrives whole", arguments: SSHServer.Kind.allCases)
    func killedOften(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let bytes = noise(6 << 20)
        var held: Int64 = 0
        for _ in 0..<3 {
            _ = try await interrupt(server, bytes, after: 1 << 20)
            let now = try await server.carrier.bytesHeld(of: envelope(bytes), along: server.route())
            #expect(now > held)
            held = now
        }
        let receipt = try await server.carrier.deliver(envelope(bytes), along: server.route())
        #expect(receipt.resumedFrom == held)
        #expect(server.content(demoName) == bytes)
        #expect(server.names == [demoName])
    }

    @Test("A partial with other bytes, or too many, is not gone on with", arguments: SSHServer.Kind.allCases)
    func damagedPartial(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let bytes = noise(200_000)
        let staging = StagingFile.name(for: envelope(bytes))
        for partial in [[UInt8](repeating: 0, count: 1000), bytes + [0], Array(bytes[..<999]) + [bytes[999] ^ 1], []] {
            try server.folder.write("inbox/\(staging)", partial)
            #expect(try await server.carrier.bytesHeld(of: envelope(bytes), along: server.route()) == 0)
            let receipt = try await server.carrier.deliver(envelope(bytes), along: server.route())
            #expect(receipt.resumedFrom == 0 && !receipt.wasDuplicate)
            #expect(server.content(demoName) == bytes)
            #expect(server.names == [demoName])
            try FileManager.default.removeItem(at: server.folder("inbox/\(demoName)"))
        }
    }

    @Test("Everything was there but the name", arguments: SSHServer.Kind.allCases)
    func onlyTheNameWasMissing(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let bytes = noise(200_000)
        try server.folder.write("inbox/" + StagingFile.name(for: envelope(bytes)), bytes)
        let receipt = try await server.carrier.deliver(envelope(bytes), along: server.route())
        #expect(receipt.resumedFrom == 200_000)
        #expect(server.names == [demoName])
    }

    @Test("The answer was lost: the next delivery finds that it had arrived")
    func answerLost() async throws {
        let server = try await SSHServer.start()
        let bytes = noise(100_000)
        _ = try await server.carrier.deliver(envelope(bytes), along: server.route())
        try server.folder.write("inbox/" + StagingFile.name(for: envelope(bytes)), bytes.prefix(500))
        let again = try await server.carrier.deliver(envelope(bytes), along: server.route())
        #expect(again.wasDuplicate)
        #expect(server.names == [demoName])
    }

    @Test("Somebody else got there meanwhile, and the partial is gone", arguments: SSHServer.Kind.allCases)
    func overtaken(kind: SSHServer.Kind) async throws {
        for arrives in [true, false] {
            let server = try await SSHServer.start(kind)
            let bytes = noise(200_000)
            let inner = envelope(bytes)
            let overtaken = SealedEnvelope(name: inner.name, digest: inner.digest, size: inner.size) {
                OvertakenSource(bytes: bytes) {
                    // As a killed sender's server does, which has not noticed yet.
                    if arrives { _ = try? server.folder.write("inbox/\(demoName)", bytes) }
                    try? FileManager.default.removeItem(at: server.folder("inbox/\(StagingFile.name(for: inner))"))
                }
            }
            if arrives {
                let receipt = try await server.carrier.deliver(overtaken, along: server.route())
                #expect(receipt.wasDuplicate && receipt.storedName == demoName && receipt.farDigest == inner.digest)
                #expect(server.names == [demoName])
            } else {
                let error = await server.carrier.failure(overtaken, along: server.route())
                #expect(error?.isRetryable == true, "\(String(describing: error))")
                #expect(error?.description.contains("lost the file") == true, "\(String(describing: error))")
                #expect(server.names.isEmpty)
            }
        }
    }

    /// Bytes, while the last of which are read something happens.
    private struct OvertakenSource: EnvelopeSource {
        let bytes: [UInt8]
        let happens: @Sendable () -> Void

        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
            let count = try MemorySource(bytes: bytes).read(into: buffer, at: offset)
            if buffer.count > 1, offset + Int64(count) == bytes.count { happens() }
            return count
        }
    }

    @Test("What is in the way of the partial is not removed")
    func stagingTaken() async throws {
        let server = try await SSHServer.start()
        let staging = StagingFile.name(for: envelope([1]))
        try server.folder.folder("inbox/\(staging)")
        let error = await server.carrier.failure(envelope([1]), along: server.route())
        #expect(error?.kind == .conflict)
        #expect(server.names == [staging])
    }

    @Test("Cancelling ends it promptly", arguments: SSHServer.Kind.allCases)
    func cancelled(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        for budget in [0, 1 << 20] {
            let (relay, port) = try relay(server, budget: budget == 0 ? 10 : budget)
            let carrier = server.carrier
            let route = server.route(port: port)
            let delivery = Task { await carrier.failure(envelope(noise(8 << 20)), along: route) }
            try await relay.held()
            delivery.cancel()
            #expect(await delivery.value?.kind == .cancelled)
            relay.close()
            #expect(server.names.filter { !$0.hasPrefix(".") }.isEmpty)
        }
    }

    @Test("Cancelled while waiting for another delivery of the same bytes")
    func cancelledInTheQueue() async throws {
        let server = try await SSHServer.start()
        let (relay, port) = try relay(server, budget: 1 << 20)
        let carrier = server.carrier
        let route = server.route(port: port)
        let first = Task { await carrier.failure(envelope(noise(8 << 20)), along: route) }
        try await relay.held()
        let second = Task { await carrier.failure(envelope(noise(8 << 20)), along: route) }
        second.cancel()
        #expect(await second.value?.kind == .cancelled)
        first.cancel()
        #expect(await first.value?.kind == .cancelled)
        relay.close()
    }

    private func impatient(_ server: SSHServer) -> SCPCarrier {
        var configuration = server.configuration
        configuration.stallTime = .seconds(2)
        return SCPCarrier(configuration: configuration)
    }

    @Test("A far side that stops taking bytes is stalled", arguments: SSHServer.Kind.allCases)
    func heldUp(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let (relay, port) = try relay(server, budget: 3 << 20)
        let error = await impatient(server).failure(envelope(noise(12 << 20)), along: server.route(port: port))
        #expect(error?.kind == .stalled && error?.isRetryable == true)
        relay.close()
        #expect(server.names.filter { !$0.hasPrefix(".") }.isEmpty)
    }

    @Test("A trickle does not count as progress")
    func trickle() async throws {
        let server = try await SSHServer.start()
        let peer = try FakePeer(.trickling(to: server.port, after: 1 << 20))
        try know(server, peer.port)
        let error = await impatient(server).failure(envelope(noise(24 << 20)), along: server.route(port: peer.port))
        #expect(error?.kind == .stalled)
        peer.end()
    }

    @Test("Peers that are no SSH servers end it in time, each in its own way")
    func badPeers() async throws {
        let server = try await SSHServer.start()
        let banner = Array("SSH-2.0-OpenSSH_9.2\r\n".utf8)
        let cases: [(FakePeer.Manner, [CarrierError.Kind])] = [
            (.silent, [.stalled]),
            (.babbling(Array("this is not the banner that you are looking for\r\n".utf8)), [.stalled, .unreachable]),
            (.babbling([0xff, 0x00, 0xaa]), [.stalled, .unreachable, .corrupted]),
            (.babbling(banner), [.stalled, .unreachable, .corrupted]),
            (.brief([]), [.unreachable]),
            (.brief(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)), [.unreachable]),
            (.brief(banner), [.unreachable]),
            (.brief(banner + noise(4096)), [.unreachable, .corrupted]),
        ]
        for (manner, kinds) in cases {
            let peer = try FakePeer(manner)
            let error = await impatient(server).failure(envelope([1]), along: server.route(port: peer.port))
            #expect(error.map { kinds.contains($0.kind) } == true, "\(manner): \(String(describing: error))")
            #expect(error?.action != .giveUp)
            peer.end()
        }
    }

    @Test("Nobody listens, and a name that is none")
    func unreachable() async throws {
        let server = try await SSHServer.start()
        let nobody = await server.carrier.failure(envelope([1]), along: server.route(port: try FreePort.find()))
        #expect(nobody?.kind == .unreachable && nobody?.isRetryable == true)
        let nowhere = Route(scheme: "scp", address: "nowhere.invalid:inbox")
        let error = await server.carrier.failure(envelope([1]), along: nowhere)
        #expect(error?.kind == .unreachable)
        #expect(error?.description.contains("cannot be resolved") == true)
    }
}
