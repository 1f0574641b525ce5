import CLinux
import Fabric
import Foundation
import Testing

@testable import CarrierHTTP

@Suite struct ConcurrencyTests {
    @Test(arguments: [5000, 2_000_000], [nil, key(1)])
    func manySendersOfOneObjectMakeOneArrival(_ size: Int, _ signer: SigningKey?) async throws {
        let workspace = Workspace()
        try await TestInbox.with(workspace: workspace) { inbox in
            let bytes = pattern(size)
            let object = envelope("a.tza", bytes)
            let receipts = try await withThrowingTaskGroup(of: DeliveryReceipt.self) { group in
                for _ in 0..<6 {
                    group.addTask { try await carrier(signer).deliver(object, along: inbox.route, reporting: .none) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(receipts.allSatisfy { $0.strength == .stored && $0.storedName == "a.tza" })
            #expect(receipts.filter { !$0.wasDuplicate }.count == 1)
            #expect(workspace.content("a.tza") == bytes)
        }
        #expect(workspace.visible() == ["a.tza"])
        #expect(workspace.leftovers.isEmpty)
    }

    @Test(arguments: [5000, 1_500_000]) func manyObjectsUnderOneNameAllSurvive(_ size: Int) async throws {
        try await TestInbox.with { inbox in
            let objects = (1...6).map { envelope("a.tza", pattern(size, seed: $0)) }
            let sender = carrier(key(1))
            let receipts = try await withThrowingTaskGroup(of: DeliveryReceipt.self) { group in
                for object in objects {
                    group.addTask { try await sender.deliver(object, along: inbox.route, reporting: .none) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(receipts.compactMap(\.storedName)).count == 6)
            let contents = inbox.workspace.visible().compactMap { inbox.workspace.content($0) }
            let stored = Set(contents.map { Digest(of: $0) })
            #expect(stored == Set(objects.map(\.digest)))
            #expect(await inbox.arrivals(6).count == 6)
        }
    }

    /// In a process of its own, as the highest mark of memory is the process's.
    @Test func memoryDoesNotGrowWithTheEnvelope() async {
        await #expect(processExitsWith: .success) {
            let before = tibet_peak_resident_bytes()
            try await TestInbox.with { inbox in
                let object = ZeroSource.envelope("big.tza", size: 128 << 20)
                for sender in [carrier(), carrier { $0.resumeThreshold = .max }] {
                    let receipt = try await sender.deliver(object, along: inbox.route, reporting: .none)
                    #expect(receipt.farDigest == object.digest)
                }
            }
            let grown = tibet_peak_resident_bytes() - before
            precondition(grown < 64 << 20, "memory grew by \(grown) bytes")
        }
    }
}
