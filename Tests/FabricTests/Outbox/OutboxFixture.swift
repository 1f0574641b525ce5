import Foundation
import Synchronization
import SystemPackage

@testable import Fabric

/// An outbox in a folder of its own, with a clock that only the test moves.
final class OutboxFixture: Sendable {
    let folder: ScratchDirectory
    let clock: FakeClock
    let configuration: OutboxConfiguration

    init() throws {
        folder = try ScratchDirectory()
        clock = FakeClock()
        var configuration = OutboxConfiguration()
        configuration.clock = clock.outboxClock
        configuration.random = { 0.5 }
        self.configuration = configuration
        try folder.write(prose(400), to: "a.txt")
    }

    var state: FilePath { folder.appending("state") }

    /// The outbox as another process would open it.
    func open(_ change: (inout OutboxConfiguration) -> Void = { _ in }) throws -> Outbox {
        var configuration = configuration
        change(&configuration)
        return try Outbox(state: state, configuration: configuration)
    }

    /// Seals something new and orders its delivery.
    func seal(
        in outbox: Outbox, to target: String = "fake:one", wanted: WantedReceipt = .accepted,
        expiry: Timestamp? = nil, isHeld: Bool = false
    ) throws -> OutboxEntry {
        let order = DeliveryOrder(DeliveryTarget(target), wanted: wanted, expiry: expiry, isHeld: isHeld)
        let sealed = try seal(in: outbox, orders: [order])
        guard let entry = sealed.entries.first else { throw CocoaError(.fileNoSuchFile) }
        return entry
    }

    func seal(in outbox: Outbox, orders: [DeliveryOrder]) throws -> SealedEntry {
        guard let name = ArrivalName("20260514t064148z.demo.claude.normal.tza") else {
            throw CocoaError(.fileNoSuchFile)
        }
        let sealer = Sealer(key: try VectorFiles.key(), options: SealOptions(senderName: "alice"))
        return try outbox.seal(
            .path(folder.appending("a.txt").string), as: name, with: sealer, at: .now(), orders: orders)
    }

    /// The envelopes that lie in the outbox.
    func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: state.appending("outbox").string)
            .filter { $0.hasSuffix(".tza") || $0.hasSuffix(".part") }.sorted()
    }
}

/// Time that stands still until it is moved. Whoever sleeps wakes when it has passed the moment.
final class FakeClock: Sendable {
    private struct State {
        var now: Int64 = 1_800_000_000_000
        var sleepers: [Int: (until: Int64, continuation: CheckedContinuation<Bool, Never>)] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    var now: Int64 { state.withLock { $0.now } }

    func advance(_ duration: Duration) {
        let woken = state.withLock { state in
            state.now += duration.milliseconds
            let due = state.sleepers.filter { $0.value.until <= state.now }
            for number in due.keys { state.sleepers[number] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume(returning: true) }
    }

    private func sleep(_ duration: Duration) async throws {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let isOver = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state -> Bool? in
                    if Task.isCancelled { return false }
                    if duration <= .zero { return true }
                    state.sleepers[number] = (state.now + duration.milliseconds, continuation)
                    return nil
                }
                if let isOver { continuation.resume(returning: isOver) }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: number) }
            sleeper?.continuation.resume(returning: false)
        }
        guard isOver else { throw CancellationError() }
    }

    var outboxClock: OutboxClock {
        OutboxClock(
            now: { [self] in Timestamp(milliseconds: now) }, uptime: { [self] in now },
            sleep: { [self] in try await sleep($0) })
    }
}
