import Fabric
import ProgramRunner
import SSHServerRunner
import Testing

@testable import CarrierSCP

@Suite("The same bytes to the same place, by several at once")
struct StagingSlotTests {
    private let key = Digest(of: noise(32, seed: .random(in: 0 ... .max)))

    @Test("Each gets a number of its own, and gives it back")
    func numbers() throws {
        var slots = try (0..<3).map { _ in try StagingSlot.take(for: key) }
        #expect(slots.map(\.number) == [0, 1, 2])
        #expect(try StagingSlot.take(for: Digest(of: [1, 2, 3])).number == 0)
        slots.removeFirst()
        #expect(try StagingSlot.take(for: key).number == 0)
    }

    @Test("There is an end to it")
    func tooMany() throws {
        let slots = try (0..<16).map { _ in try StagingSlot.take(for: key) }
        let error = #expect(throws: SSHFailure.self) { try StagingSlot.take(for: key) }
        guard case .explained(let reason) = error else {
            Issue.record("\(String(describing: error))"); return
        }
        #expect(reason.kind == .conflict && reason.isRetryable)
        withExtendedLifetime(slots) {}
    }

    @Test("Their files have different names, all of which watchers leave alone")
    func names() {
        let names = (0..<3).map { StagingFile.name(for: envelope([1]), slot: $0) }
        #expect(Set(names).count == 3)
        #expect(names.allSatisfy { $0.hasPrefix(".\(demoName).") && $0.hasSuffix(".part") && $0.utf8.count < 255 })
    }

    @Test("A file that is not there has no digest, not that of nothing", arguments: SSHServer.Kind.allCases)
    func missing(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let (route, settings) = (server.route(), server.configuration)
        let digest = try await blocking { caller throws(CarrierError) in
            let address = try SCPAddress(parsing: route.address)
            do throws(SSHFailure) {
                let connection = try Connector(configuration: settings).connect(to: address, caller: caller)
                let directory = try FarSide(connection, settings).directory(of: address)
                return try directory.digest(of: "nobody.part", first: 10, isWorthReading: false)
            } catch {
                throw error.error(along: route)
            }
        }
        #expect(digest == nil)
    }
}
