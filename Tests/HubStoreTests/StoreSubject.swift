import Fabric
import Foundation
import PostgresRunner
import ProgramRunner
import Synchronization
import SystemPackage
import Testing

@testable import Hub

/// What the store lies in.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite, postgres

    var testDescription: String { rawValue }
}

/// A store of its own for one test, with a clock that the test sets.
struct StoreSubject: Sendable {
    let kind: StoreKind
    let folder: WorkFolder
    let location: StoreLocation
    let clock: SettableClock
    let store: HubStore

    /// The location as a program is told.
    let place: String

    /// A new, empty store.
    static func make(
        _ kind: StoreKind, configure: (inout StoreConfiguration) -> Void = { _ in }
    ) async throws -> StoreSubject {
        let folder = try WorkFolder()
        let clock = SettableClock()
        let place = kind == .sqlite ? folder.path("hub.sqlite") : try await PostgresServer.shared().database()
        let location: StoreLocation = kind == .sqlite ? .file(FilePath(place)) : .postgres(place)
        var configuration = StoreConfiguration()
        configuration.clock = { clock.now }
        configure(&configuration)
        let store = try await HubStore(location, configuration: configuration)
        return StoreSubject(
            kind: kind, folder: folder, location: location, clock: clock, store: store, place: place)
    }

    /// Another store over the same.
    func another(configure: (inout StoreConfiguration) -> Void = { _ in }) async throws -> HubStore {
        var configuration = StoreConfiguration()
        let clock = clock
        configuration.clock = { clock.now }
        configure(&configuration)
        return try await HubStore(location, configuration: configuration)
    }

    /// A channel from one agent to another.
    func channel(
        from agent: String = "alice", to target: String = "bob", intent: String = "continuityd:inbox",
        staysOpen: Bool = false
    ) async throws -> String {
        try await store.open(ChannelDraft(agent: agent, target: target, intent: intent, staysOpen: staysOpen)).id
    }

    /// Appends frames with these payloads.
    func append(_ payloads: [String], to channel: String) async throws {
        for payload in payloads { _ = try await store.append(FrameDraft(channel: channel, payload: payload)) }
    }

    /// Pushes a message with this content.
    @discardableResult
    func push(
        _ content: String, from sender: String = "alice", to recipient: String = "bob", type: PollType = .push,
        kind: MessageKind = .message
    ) async throws -> String {
        try await store.push(
            MessageDraft(from: sender, to: recipient, type: type, kind: kind, content: content)
        ).id
    }

    /// Takes frames of `bob`.
    func lease(_ limit: Int = 1, seconds: Int64 = 60, intent: String? = nil) async throws -> [Lease<Frame>] {
        try await store.leaseFrames(
            LeaseRequest(agent: "bob", duration: .seconds(seconds), limit: limit), intent: intent
        ).leases
    }
}

/// A clock that stands until it is moved.
final class SettableClock: Sendable {
    private let time = Mutex(Timestamp(seconds: 1_800_000_000))

    var now: Timestamp { time.withLock { $0 } }

    func advance(seconds: Int64) {
        time.withLock { $0 = Timestamp(seconds: $0.seconds + seconds, nanoseconds: $0.nanoseconds) }
    }
}

/// What the call throws; nil if it does not.
func failure<Value>(_ body: () async throws -> Value) async -> StoreError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? StoreError
    }
}

extension LeaseRequest {
    static let bob = LeaseRequest(agent: "bob", limit: 100)
}
