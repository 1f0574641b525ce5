import CarrierConformance
import Fabric
import Foundation
import ProgramRunner
import Synchronization

/// An agent's mailbox at a hub of its own, and a relay before the hub.
///
/// What counts as published is what a consumer would have after it took every message: the same bytes under the same
/// name once, other bytes under a taken name beside them.
final class IPollFarSide: FarSide {
    let route: Route

    private let hub: Hub
    private let agent: String
    private let sender: String
    private let relay: BreakingRelay
    /// Whether another hub than the first, or one that was told otherwise, answers.
    private let isReplaced = Atomic(false)

    /// - Parameter sender: Who is refused when nothing is taken.
    init(sender: String) async throws {
        let agent = "agent-" + UUID().uuidString.lowercased()
        let hub = Hub(try await RunningHub())
        // Between the first piece and the message that names them all many answers come.
        relay = try BreakingRelay(to: hub.server.port) { hub.hasMore(in: agent) }
        (self.hub, self.sender, self.agent) = (hub, sender, agent)
        route = Route(scheme: "ipoll", address: "http://127.0.0.1:\(relay.port)#\(agent)")
    }

    private var server: RunningHub { hub.server }

    /// The hub that answers now.
    private final class Hub: Sendable {
        private let current: Mutex<RunningHub>
        /// How many messages there were when the far side began to suffer.
        private let earlier = Atomic(0)

        init(_ server: RunningHub) { current = Mutex(server) }

        var server: RunningHub { current.withLock { $0 } }

        func replace(by next: RunningHub) { current.withLock { $0 = next } }

        func remember(_ count: Int) { earlier.store(count, ordering: .relaxed) }

        /// Whether a message has come since. Called on a thread that may block.
        func hasMore(in agent: String) -> Bool {
            guard let url = URL(string: server.url + IPollFarSide.waiting(agent)),
                let data = try? Data(contentsOf: url),
                let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
                let polls = object["polls"] as? [Any]
            else { return false }
            return polls.count > earlier.load(ordering: .relaxed)
        }
    }

    private static func waiting(_ agent: String) -> String {
        "/api/ipoll/pull/\(agent)?mark_read=false&limit=1000&kinds=envelope"
    }

    // MARK: - What is there

    private func published() async throws -> [String: PublishedObject] {
        let polls = try await server.get(Self.waiting(agent))["polls"]
        var published: [String: PublishedObject] = [:]
        for poll in polls as? [[String: Any]] ?? [] {
            guard let metadata = poll["metadata"] as? [String: Any],
                let name = (metadata["envelope_name"] as? String).flatMap({ ArrivalName($0) }),
                let blob = metadata["blob_id"] as? String
            else { continue }
            let object = try await object(inBlob: blob)
            for candidate in name.candidates(for: object.digest) {
                if published[candidate.text] == object { break }
                guard published[candidate.text] == nil else { continue }
                published[candidate.text] = object
                break
            }
        }
        return published
    }

    /// Bytes of any size, of which this process sees none.
    private func object(inBlob id: String) async throws -> PublishedObject {
        let script = #"curl -sSf "$1" | tee >(wc -c >&2) | sha256sum | cut -c1-64"#
        let outcome = try await Program(
            "/bin/bash", ["-c", script, "bash", "\(server.url)/api/blobs/\(id)/content?agent=\(agent)"],
            in: FileManager.default.temporaryDirectory
        ).outcome(within: .seconds(300))
        let words = (outcome.output + outcome.errors).split(whereSeparator: \.isWhitespace)
        guard outcome.status == 0, words.count == 2, let digest = Digest(hex: String(words[0])),
            let size = Int64(words[1])
        else { throw MissingPower("a blob cannot be read: \(outcome)") }
        return PublishedObject(digest: digest, size: size)
    }

    func publishedNames() async throws -> [String] { Array(try await published().keys) }
    func object(named name: String) async throws -> PublishedObject? { try await published()[name] }
    /// What is half there is in nobody's mailbox.
    func leftovers() async throws -> [String] { [] }

    // MARK: - What it suffers

    func suffer(_ breakage: Breakage) async throws {
        switch breakage {
        case .full: try await replace(by: ["--open", "--reserve", "1000000G"])
        case .readOnly:
            // Only whoever has this key may send in the sender's name, at a hub that looks.
            try await server.post(
                "/api/ains/register", ["agent": sender, "public_key": try SigningKey.generate().publicKey.hex])
            try await replace(by: [])
        default:
            hub.remember(try await published().count)
            relay.suffer(breakage)
        }
    }

    func mend() async throws {
        relay.suffer(nil)
        if isReplaced.exchange(false, ordering: .relaxed) { try await replace(by: ["--open"]) }
    }

    private func replace(by arguments: [String]) async throws {
        let next = try await server.replaced(by: arguments)
        isReplaced.store(arguments != ["--open"], ordering: .relaxed)
        relay.retarget(to: next.port)
        hub.replace(by: next)
    }

    func passTime(_ duration: Duration) async throws { try await server.passTime(duration) }

    func close() async {
        relay.close()
        _ = try? await server.program.stop()
    }

    // MARK: - What it offers

    func offer(_ offer: Offer) async throws {
        let hub = server
        let bytes = Data(offer.bytes)
        let digest = Digest(of: offer.bytes).description
        let blob = try await hub.post(
            "/api/blobs",
            ["agent": "offerer", "to": agent, "size_bytes": bytes.count, "digest": digest, "name": "offer.tza"])
        guard let id = blob["blob_id"] as? String else { throw MissingPower("no blob: \(blob)") }
        var start = blob["received"] as? Int ?? 0
        while start < bytes.count {
            let piece = bytes[start..<min(bytes.count, start + (1 << 20))]
            try await hub.patch(
                "/api/blobs/\(id)?agent=offerer", piece,
                headers: ["Upload-Offset": String(start), "Content-Type": "application/octet-stream"])
            start += piece.count
        }
        try await hub.post(
            "/api/ipoll/push",
            [
                "from_agent": "offerer", "to_agent": agent, "content": "an offer", "poll_type": "PUSH",
                "metadata": [
                    "envelope_name": offer.name, "envelope_ref": "blob:\(id)", "blob_id": id,
                    "envelope_digest": offer.claimedDigest.description, "size_bytes": offer.claimedSize,
                ] as [String: Any],
            ])
    }
}
