import CarrierHTTP
import CarrierIPoll
import CarrierMux
import Fabric
import HubClient
import ProgramRunner
import SystemPackage
import Testing

/// Servers that answer with anything: whatever a client makes of it, it is an answer or an error, and never the end of
/// the process.
@Suite("Answers of hostile servers", .timeLimit(.minutes(5)))
struct HostileAnswersTests {
    private static let numbers = [
        "9223372036854775807", "-9223372036854775808", "9007199254740992", "18446744073709551616", "1e300", "-1e300",
        "1e999", "0", "-1", "1", "0.5", "4611686018427387904",
    ]
    private static let others: [JSONValue] = [.null, true, "", "x", [], [:]]
    private static let extremes: [JSONValue] = others + numbers.compactMap { try? JSONValue(parsing: $0) }

    /// One document that has what all the answers have.
    private static let document = """
        {
          "status": "online", "version": "1", "features": ["lease", "blobs", "paging", "wait"], "largest_message": 70000,
          "channels": [{
            "id": "ch-1", "agent": "x", "target": "bob", "intent": "continuityd:inbox", "state": "open", "frames_sent": 2
          }],
          "channel_id": "ch-1", "id": "ch-1", "state": "open", "delivered": true, "seq": 1,
          "bandwidth": {"tokens_remaining": 10, "capacity": 100, "rate": 5},
          "recent_frames": [
            {"seq": 0, "payload": {}},
            {"seq": 1, "payload": {"name": "a.tza", "bundle_b64": "AQID", "size_bytes": 3}}
          ],
          "frames": [{
            "lease_id": "lease-1", "channel_id": "ch-1", "seq": 1, "deliveries": 1,
            "payload": {"name": "a.tza", "bundle_b64": "AQID", "size_bytes": 3}
          }],
          "polls": [{
            "id": "m1", "from": "zoe", "to": "bob", "type": "PUSH", "content": "c", "status": "pending",
            "lease_id": "lease-1", "deliveries": 1, "created_at": "2026-11-20T10:00:00",
            "metadata": {
              "envelope_name": "a.tza", "size_bytes": 3, "blob_id": "blob-00000000000000000000000000000000",
              "envelope_digest": "sha256:039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
            }
          }],
          "blob_id": "blob-00000000000000000000000000000000", "received": 0, "complete": false, "size_bytes": 3,
          "chunk_bytes": 1024, "limit": 1000, "detail": "no", "code": "rate", "retry_after": 1
        }
        """

    /// The document with some of its values exchanged.
    private static func mutated(_ value: JSONValue, by generator: inout SeededGenerator) -> JSONValue {
        if Int.random(in: 0..<12, using: &generator) == 0 { return extremes.randomElement(using: &generator) ?? .null }
        if let list = value.list { return .list(list.map { mutated($0, by: &generator) }) }
        guard let object = value.object else { return value }
        var changed: JSONObject = [:]
        for (key, inner) in object.members { changed[key] = mutated(inner, by: &generator) }
        return .object(changed)
    }

    @Test("Clients survive three hundred of them", arguments: 0..<6)
    func survived(seed: Int) async throws {
        let document = try JSONValue(parsing: Self.document)
        let scratch = try Scratch()
        let file = scratch.path.appending("a.tza")
        try ReplaceableFile.replace(file, with: [1, 2, 3])
        let envelope = try SealedEnvelope(hashing: file, name: try #require(ArrivalName("a.tza")))
        for round in 0..<50 {
            let own = UInt64(seed * 1000 + round)
            let server = StubServer { request in
                let mark = request.target.utf8.reduce(own) { $0 &* 31 &+ UInt64($1) }
                var generator = SeededGenerator(seed: mark)
                let number = Self.numbers.randomElement(using: &generator) ?? "1"
                return .json(
                    Self.mutated(document, by: &generator),
                    status: [200, 200, 200, 409, 429, 404, 503].randomElement(using: &generator) ?? 200,
                    headers: ["Retry-After: \(number)", "Upload-Offset: \(number)", "Range: bytes=0-\(number)"])
            }
            await Self.ask(server, envelope, scratch)
        }
    }

    /// Everything that a client asks, each for a moment.
    private static func ask(_ server: StubServer, _ envelope: SealedEnvelope, _ scratch: Scratch) async {
        let url = server.url
        var mux = MuxCarrierConfiguration()
        mux.closingTime = .zero
        mux.pollInterval = .milliseconds(1)
        mux.waitTime = .milliseconds(1)
        mux.stallTime = .seconds(1)
        mux.seenFile = scratch.path.appending("seen")
        let carrier = MuxCarrier(configuration: mux)
        await briefly {
            _ = try await carrier.deliver(
                envelope, along: Route(scheme: "mux", address: url + "#bob"), reporting: .none)
        }
        await briefly { _ = try await carrier.nextArrival(along: Route(scheme: "mux", address: url + "#bob")) }
        await briefly {
            _ = try await HTTPCarrier().deliver(envelope, along: Route(scheme: "http", address: url), reporting: .none)
        }
        await briefly {
            guard let agent = HubAgent("bob") else { return }
            let client = try IPollClient(server: HubAddress(parsing: url), agent: agent)
            _ = try? await client.pull(markRead: true, limit: 10)
            _ = try? await client.waiting(most: 10)
            _ = try? await client.history()
        }
        let ipoll = IPollCarrier(configuration: IPollCarrierConfiguration(sender: "alice.aint"))
        await briefly {
            _ = try await ipoll.deliver(
                envelope, along: Route(scheme: "ipoll", address: url + "#bob"), reporting: .none)
        }
        await briefly { _ = try await ipoll.nextArrival(along: Route(scheme: "ipoll", address: url + "#bob")) }
    }

    /// Runs `body` until it is done or 50 ms are over; what becomes of it does not matter here.
    private static func briefly(_ body: @escaping @Sendable () async throws -> Void) async {
        let task = Task { try await body() }
        let alarm = Task {
            try? await Task.sleep(for: .milliseconds(50))
            task.cancel()
        }
        _ = await task.result
        alarm.cancel()
    }
}
