import CarrierConformance
import Fabric
import Foundation
import ProgramRunner

/// An agent's mailbox at a mux server, and a relay before the server.
///
/// What counts as published is what a consumer would have after it took every frame: the same bytes under the same name
/// once, other bytes under a taken name beside them.
final class MuxFarSide: FarSide {
    let route: Route

    let server: MuxServer
    let agent: String
    private let intent: String
    private let relay: BreakingRelay

    init(_ server: MuxServer, intent: String) throws {
        self.server = server
        self.intent = intent
        agent = "agent-" + UUID().uuidString.lowercased()
        relay = try BreakingRelay(to: server.port)
        route = Route(scheme: "mux", address: "http://127.0.0.1:\(relay.port)#\(agent)")
    }

    /// A frame that waits, as a consumer would see it.
    private struct Waiting {
        let name: ArrivalName
        let object: PublishedObject
    }

    private func waiting() async throws -> [Waiting] {
        let query = "?target=\(agent)&intent=\(intent)&include_closed=true"
        let channels = try await server.get("/api/mux/by-target" + query)["channels"] as? [[String: Any]] ?? []
        var waiting: [Waiting] = []
        for channel in channels {
            guard let id = channel["id"] as? String else { continue }
            let frames = try await server.get("/api/mux/channel/\(id)")["recent_frames"] as? [[String: Any]] ?? []
            for frame in frames {
                guard let payload = frame["payload"] as? [String: Any],
                    let name = (payload["name"] as? String).flatMap({ ArrivalName($0) })
                else { continue }
                waiting.append(Waiting(name: name, object: try await object(in: payload)))
            }
        }
        return waiting
    }

    private func object(in payload: [String: Any]) async throws -> PublishedObject {
        if let encoded = payload["bundle_b64"] as? String, let data = Data(base64Encoded: encoded) {
            return PublishedObject(digest: Digest(of: data), size: Int64(data.count))
        }
        guard let id = payload["blob_id"] as? String else { throw MissingPower("a frame without bytes: \(payload)") }
        // Bytes of any size, of which this process sees none.
        let script = #"curl -sSf "$1" | tee >(wc -c >&2) | sha256sum | cut -c1-64"#
        let outcome = try await Program(
            "/bin/bash", ["-c", script, "bash", "\(server.url)/api/blobs/\(id)/content?agent=\(agent)"],
            in: FileManager.default.temporaryDirectory
        ).outcome()
        let words = (outcome.output + outcome.errors).split(whereSeparator: \.isWhitespace)
        guard outcome.status == 0, words.count == 2, let digest = Digest(hex: String(words[0])),
            let size = Int64(words[1])
        else { throw MissingPower("a blob cannot be read: \(outcome)") }
        return PublishedObject(digest: digest, size: size)
    }

    private func published() async throws -> [String: PublishedObject] {
        var published: [String: PublishedObject] = [:]
        for frame in try await waiting() {
            for candidate in frame.name.candidates(for: frame.object.digest) {
                if published[candidate.text] == frame.object { break }
                guard published[candidate.text] == nil else { continue }
                published[candidate.text] = frame.object
                break
            }
        }
        return published
    }

    func publishedNames() async throws -> [String] { Array(try await published().keys) }
    func object(named name: String) async throws -> PublishedObject? { try await published()[name] }
    /// What is half there is in nobody's mailbox.
    func leftovers() async throws -> [String] { [] }

    func suffer(_ breakage: Breakage) async throws { relay.suffer(breakage) }
    func mend() async throws { relay.suffer(nil) }
    func close() async { relay.close() }

    func offer(_ offer: Offer) async throws {
        let opened = try await server.post(
            "/api/mux/open", ["agent": "offerer-\(agent)", "target": agent, "intent": intent])
        guard let channel = opened["channel_id"] as? String else { throw MissingPower("no channel: \(opened)") }
        var payload: [String: Any] = [
            "bundle_b64": Data(offer.bytes).base64EncodedString(), "name": offer.name,
            "size_bytes": offer.claimedSize,
        ]
        payload["digest"] = offer.claimedDigest.description
        try await server.post("/api/mux/send", ["channel_id": channel, "payload": payload])
        try await server.post("/api/mux/close", ["channel_id": channel, "reason": "offered"])
    }
}
