import CarrierMux
import Fabric
import Foundation
import ProgramRunner
import Synchronization
import SystemPackage
import Testing

@Suite("Through our hub", .timeLimit(.minutes(2)))
struct HubTests {
    let folder: WorkFolder

    init() throws { folder = try WorkFolder() }

    private var configuration: MuxCarrierConfiguration {
        var configuration = MuxCarrierConfiguration()
        configuration.waitTime = .seconds(1)
        // What a consumer held when the hub was killed is offered again after this.
        configuration.leaseTime = .seconds(2)
        configuration.stallTime = .seconds(10)
        return configuration
    }

    private func envelope(_ number: Int, size: Int) throws -> SealedEnvelope {
        let name = try #require(ArrivalName("2026-05-14.number-\(100 + number).claude.normal.tza"))
        let path = try folder.write("source-\(number)", noise(size, seed: UInt64(number + 1)))
        return try SealedEnvelope(hashing: FilePath(path), name: name)
    }

    @Test("Delivered twice, fetched by two, over a hub that is killed twice: everything comes, once")
    func once() async throws {
        let hub = try await RunningHub()
        let route = Route(scheme: "mux", address: hub.url + "#bob")
        let sender = MuxCarrier(configuration: configuration)
        var envelopes: [SealedEnvelope] = []
        for number in 0..<12 {
            let envelope = try envelope(number, size: number % 4 == 3 ? 2_500_000 : 3000)
            let first = try await sender.deliver(envelope, along: route, reporting: .none)
            #expect(first.strength == .accepted && !first.wasDuplicate)
            // Another process that tries again.
            let again = try await MuxCarrier(configuration: configuration).deliver(
                envelope, along: route, reporting: .none)
            #expect(again.wasDuplicate)
            envelopes.append(envelope)
        }
        hub.program.kill()
        _ = try await hub.program.outcome()
        let second = try await RunningHub(in: hub.folder, port: hub.port)
        let lane = try Lane(directory: FilePath(folder.path("inbox")))
        let made = Noted<ArrivalName>()
        let consumers = [consumer(along: route, into: lane, made), consumer(along: route, into: lane, made)]
        defer { for consumer in consumers { consumer.cancel() } }
        _ = try await Repeated.until(within: .seconds(30)) { try envelopesIn("inbox").count >= 4 }
        second.program.kill()
        _ = try await second.program.outcome()
        let third = try await RunningHub(in: hub.folder, port: hub.port)
        let names = envelopes.map(\.name.text).sorted()
        let isThere = try await Repeated.until(within: .seconds(60)) { try envelopesIn("inbox") == names }
        let found = try envelopesIn("inbox")
        #expect(isThere, "\(found) of \(names)")
        // The hub is told in the end, and has nothing more to give.
        let isEmpty = try await Repeated.until(within: .seconds(30)) {
            let mailbox = try await third.get("/api/mux/by-target?target=bob&include_closed=true")
            return (mailbox["channels"] as? [[String: Any]])?.allSatisfy { $0["state"] as? String == "closed" } ?? false
        }
        #expect(isEmpty)
        for envelope in envelopes {
            let path = FilePath(folder.path("inbox/" + envelope.name.text))
            #expect(try FileSource(path: path).digest().digest == envelope.digest)
        }
        #expect(Set(made.all).count == made.all.count, "something was made twice")
    }

    /// Fetches into `lane` until it is cancelled, and notes what it made there.
    private func consumer(along route: Route, into lane: Lane, _ made: Noted<ArrivalName>) -> Task<Void, Never> {
        let carrier = MuxCarrier(configuration: configuration)
        return Task {
            while !Task.isCancelled {
                // A hub that is not there, or a lease that was lost with it, is nobody's end.
                guard let arrival = try? await carrier.nextArrival(along: route),
                    let publication = try? await lane.take(arrival, patience: .zero), publication.outcome == .created
                else { continue }
                made.note(publication.storedName)
            }
        }
    }

    private func envelopesIn(_ inbox: String) throws -> [String] {
        guard folder.holds(inbox) else { return [] }
        return try folder.names(inbox).filter { $0.hasSuffix(".tza") }
    }

    @Test("A frame that cannot be an envelope is refused with the reason, and the next one comes")
    func refused() async throws {
        let hub = try await RunningHub()
        let opened = try await hub.post(
            "/api/mux/open", ["agent": "mallory", "target": "bob", "intent": "continuityd:inbox"])
        let channel = try #require(opened["channel_id"] as? String)
        for payload in [["name": "../x", "bundle_b64": "AQID"], ["name": "x.tza", "bundle_b64": "AQI"], [:]] {
            try await hub.post("/api/mux/send", ["channel_id": channel, "payload": payload])
        }
        let notices = Noted<MuxNotice>()
        var configuration = configuration
        configuration.report = { notices.note($0) }
        let carrier = MuxCarrier(configuration: configuration)
        let route = Route(scheme: "mux", address: hub.url + "/api/mux/#Bob.aint")
        let envelope = try envelope(1, size: 100)
        _ = try await carrier.deliver(envelope, along: route, reporting: .none)
        let arrival = try await carrier.nextArrival(along: route)
        #expect(arrival.requestedName == envelope.name && arrival.claimedDigest == envelope.digest)
        try await arrival.settle(.commit)
        let rejected = notices.all.filter {
            if case .frameRejected(channel, _, "mallory", _) = $0 { true } else { false }
        }.count
        #expect(rejected == 3, "\(notices.all)")
    }
}

/// What was noted from any thread.
private final class Noted<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])

    var all: [Value] { values.withLock { $0 } }

    func note(_ value: Value) { values.withLock { $0.append(value) } }
}
