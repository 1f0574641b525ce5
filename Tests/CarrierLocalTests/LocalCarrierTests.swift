import Fabric
import Foundation
import Synchronization
import SystemPackage
import Testing

@testable import CarrierLocal

@Suite("The local carrier")
final class LocalCarrierTests {
    let carrier = LocalCarrier()
    let directory: URL
    let route: Route
    let name = ArrivalName("2026-05-14.demo.claude.normal.tza")!

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("local-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        route = Route(scheme: "local", address: directory.path)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    private func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted()
    }

    private func content(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: directory.appendingPathComponent(name)))
    }

    /// An envelope that claims to be `bytes`, and whose source gives `given`.
    private func envelope(_ bytes: [UInt8], giving given: [UInt8]? = nil) -> SealedEnvelope {
        let source = MemorySource(bytes: given ?? bytes)
        return SealedEnvelope(name: name, digest: Digest(of: bytes), size: Int64(bytes.count)) {
            () throws(SystemFailure) in source
        }
    }

    @Test(arguments: [0, 1, 1 << 20, 3_500_000])
    func everyByteArrives(count: Int) async throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let reports = Mutex<[Int64]>([])
        let sink = ProgressSink { count in reports.withLock { $0.append(count) } }
        let receipt = try await carrier.deliver(envelope(bytes), along: route, reporting: sink)
        #expect(receipt.strength == .stored)
        #expect(receipt.storedName == name.text)
        #expect(receipt.farDigest == Digest(of: bytes))
        #expect(!receipt.wasDuplicate)
        #expect(try content(name.text) == bytes)
        let seen = reports.withLock { $0 }
        #expect(seen == seen.sorted())
        #expect(seen.last == Int64(count))
        #expect(seen.count { $0 == Int64(count) } == 1)
    }

    @Test func theSameEnvelopeTwiceIsOneObject() async throws {
        let first = try await carrier.deliver(envelope([1, 2]), along: route, reporting: .none)
        let second = try await carrier.deliver(envelope([1, 2]), along: route, reporting: .none)
        #expect(!first.wasDuplicate && second.wasDuplicate)
        #expect(second.storedName == name.text)
        #expect(try names() == [name.text])
    }

    @Test func otherBytesUnderTheNameSurvive() async throws {
        _ = try await carrier.deliver(envelope([1]), along: route, reporting: .none)
        let second = try await carrier.deliver(envelope([2]), along: route, reporting: .none)
        #expect(second.storedName == name.distinguished(by: Digest(of: [2]).shortHex)?.text)
        #expect(try content(name.text) == [1])
        #expect(try content(second.storedName ?? "") == [2])
    }

    @Test func manyAtOnce() async throws {
        let carrier = carrier
        let route = route
        let envelopes = (0..<12).map { envelope([UInt8](repeating: UInt8($0 % 3), count: 200_000)) }
        let stored = try await withThrowingTaskGroup(of: String?.self) { group in
            for envelope in envelopes {
                group.addTask { try await carrier.deliver(envelope, along: route, reporting: .none).storedName }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(stored.count == 3)
        #expect(try names().count == 3)
    }

    @Test func aSourceOfAnotherLengthOrContentPublishesNothing() async throws {
        for given: [UInt8] in [[], [1, 2], [1, 2, 3, 4], [9, 9, 9]] {
            let error = await failure(of: envelope([1, 2, 3], giving: given))
            #expect(error?.kind == .corrupted)
            #expect(try names().isEmpty)
        }
    }

    @Test func cancellingLeavesNothing() async throws {
        let (carrier, route) = (carrier, route)
        let bytes = [UInt8](repeating: 1, count: 8 << 20)
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let gate = DispatchSemaphore(value: 0)
        let source = GatedSource(bytes: bytes, start: start, gate: gate)
        let envelope = SealedEnvelope(name: name, digest: Digest(of: bytes), size: Int64(bytes.count)) {
            () throws(SystemFailure) in source
        }
        let delivery = Task { try await carrier.deliver(envelope, along: route, reporting: .none) }
        for await _ in started { break }
        delivery.cancel()
        gate.signal()
        let error = await #expect(throws: CarrierError.self) { try await delivery.value }
        #expect(error?.kind == .cancelled)
        #expect(try names().isEmpty)
    }

    @Test func aMissingDirectoryIsNotMade() async throws {
        let missing = Route(scheme: "local", address: directory.path + "/missing")
        let error = await failure(of: envelope([1]), along: missing)
        #expect(error?.kind == .unreachable)
        #expect(error?.isRetryable == true)
        #expect(error?.description.contains("mounted") == true)
        #expect(try names().isEmpty)
        await #expect(throws: CarrierError.self) { try await self.carrier.probe(missing) }
    }

    @Test func routesOfOthersAreRefused() async throws {
        for route in [Route(scheme: "http", address: "/tmp"), Route(scheme: "local", address: "")] {
            #expect(await failure(of: envelope([1]), along: route)?.kind == .misconfigured)
        }
        try Data().write(to: directory.appendingPathComponent("file"))
        let file = Route(scheme: "local", address: directory.path + "/file")
        #expect(await failure(of: envelope([1]), along: file)?.kind == .misconfigured)
    }

    @Test func aReserveThatWouldBeBrokenIsFull() async throws {
        let careful = LocalCarrier(reserve: .max)
        let error = await #expect(throws: CarrierError.self) {
            try await careful.deliver(self.envelope([1]), along: self.route, reporting: .none)
        }
        #expect(error?.kind == .full)
        #expect(error?.isRetryable == true)
    }

    /// The kernel's own tree takes no files, whoever asks: a permission that nobody has, or a disk that is read only.
    /// It says that it has no room either, so what is delivered is empty.
    @Test func aDirectoryThatMayNotBeWrittenIsRefused() async throws {
        let kernel = Route(scheme: "local", address: "/sys/kernel")
        let error = await failure(of: envelope([]), along: kernel)
        #expect(error?.kind == .refused)
        #expect(error?.action == .tryNextRoute)
        await #expect(throws: CarrierError.self) { try await self.carrier.probe(kernel) }
    }

    @Test func aProbeLeavesNothing() async throws {
        try await carrier.probe(route)
        #expect(try names().isEmpty)
    }

    @Test func theTableOfErrors() {
        func kind(_ errno: Errno) -> CarrierError.Kind {
            CarrierError(.system(SystemFailure("x", errno)), deliveringTo: route).kind
        }
        #expect(kind(.noSpace) == .full)
        #expect(kind(.diskQuotaExceeded) == .full)
        #expect(kind(.permissionDenied) == .refused)
        #expect(kind(.readOnlyFileSystem) == .refused)
        #expect(kind(.fileTooLarge) == .tooLarge(limit: nil))
        #expect(kind(.noSuchFileOrDirectory) == .unreachable)
        #expect(kind(.notDirectory) == .misconfigured)
        #expect(kind(.ioError) == .unreachable)
        #expect(CarrierError(.noFreeName(name), deliveringTo: route).kind == .conflict)
    }

    private func failure(of envelope: SealedEnvelope, along other: Route? = nil) async -> CarrierError? {
        do {
            _ = try await carrier.deliver(envelope, along: other ?? route, reporting: .none)
            return nil
        } catch {
            return error
        }
    }
}

/// An envelope in memory.
struct MemorySource: EnvelopeSource {
    let bytes: [UInt8]

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        let rest = bytes.dropFirst(Int(offset)).prefix(buffer.count)
        buffer.copyBytes(from: rest)
        return rest.count
    }
}

/// An envelope whose second chunk waits at a gate.
struct GatedSource: EnvelopeSource {
    let bytes: [UInt8]
    let start: AsyncStream<Void>.Continuation
    let gate: DispatchSemaphore

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        if offset > 0 {
            start.yield()
            gate.wait()
            gate.signal()
        }
        return try MemorySource(bytes: bytes).read(into: buffer, at: offset)
    }
}
