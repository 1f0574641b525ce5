import CarrierConformance
import Fabric
import Foundation
import ProgramRunner
import Synchronization

/// A mux server: the reference one, or our hub.
protocol MuxHost: Sendable {
    var url: String { get }
    var port: Int { get }
    func get(_ path: String) async throws -> [String: Any]
    @discardableResult
    func post(_ path: String, _ body: [String: Any]) async throws -> [String: Any]
}

extension MuxServer: MuxHost {}
extension RunningHub: MuxHost {}

/// An agent's mailbox at a mux server, and a relay before the server.
///
/// What counts as published is what a consumer would have after it took every frame: the same bytes under the same name
/// once, other bytes under a taken name beside them.
final class MuxFarSide: FarSide {
    let route: Route

    private let host: Host
    private let agent: String
    private let sender: String
    private let intent: String
    private let relay: BreakingRelay
    /// Whether a hub answers that was told to take nothing.
    private let isReplaced = Atomic(false)

    /// - Parameter sender: Who is refused when nothing is taken.
    init(_ server: any MuxHost, intent: String, sender: String) throws {
        let agent = "agent-" + UUID().uuidString.lowercased()
        let host = Host(server, mailbox: "/api/mux/by-target?target=\(agent)&intent=\(intent)&include_closed=true")
        // At our hub many answers come between the first piece of a blob and the frame that names it.
        var hasAll: (@Sendable () -> Bool)?
        if server is RunningHub { hasAll = { host.hasMore() } }
        relay = try BreakingRelay(to: server.port, hasAll: hasAll)
        (self.host, self.agent, self.intent, self.sender) = (host, agent, intent, sender)
        route = Route(scheme: "mux", address: "http://127.0.0.1:\(relay.port)#\(agent)")
    }

    private var server: any MuxHost { host.server }

    /// The server that answers now.
    private final class Host: Sendable {
        let mailbox: String
        private let current: Mutex<any MuxHost>
        /// How many frames there were when the far side began to suffer.
        private let earlier = Atomic(0)

        init(_ server: any MuxHost, mailbox: String) {
            current = Mutex(server)
            self.mailbox = mailbox
        }

        var server: any MuxHost { current.withLock { $0 } }

        func replace(by next: any MuxHost) { current.withLock { $0 = next } }

        func remember() async throws {
            earlier.store(Self.frames(try await server.get(mailbox)), ordering: .relaxed)
        }

        /// Whether a frame has come since. Called on a thread that may block.
        func hasMore() -> Bool {
            guard let url = URL(string: server.url + mailbox), let data = try? Data(contentsOf: url),
                let object = try? JSONSerialization.jsonObject(with: data) as? [String: Any]
            else { return false }
            return Self.frames(object) > earlier.load(ordering: .relaxed)
        }

        private static func frames(_ answer: [String: Any]) -> Int {
            (answer["channels"] as? [[String: Any]] ?? []).reduce(0) { $0 + ($1["frames_sent"] as? Int ?? 0) }
        }
    }

    /// A frame that waits, as a consumer would see it.
    private struct Waiting {
        let name: ArrivalName
        let object: PublishedObject
    }

    private func waiting() async throws -> [Waiting] {
        let server = server
        let channels = try await server.get(host.mailbox)["channels"] as? [[String: Any]] ?? []
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
        ).outcome(within: .seconds(300))
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

    func suffer(_ breakage: Breakage) async throws {
        try await host.remember()
        switch breakage {
        case .full: try await replace(by: ["--open", "--reserve", "1000000G"])
        case .readOnly:
            // Only whoever has this key may send in the sender's name, at a hub that looks.
            try await server.post(
                "/api/ains/register", ["agent": sender, "public_key": try SigningKey.generate().publicKey.hex])
            try await replace(by: [])
        default: relay.suffer(breakage)
        }
    }

    func mend() async throws {
        relay.suffer(nil)
        if isReplaced.exchange(false, ordering: .relaxed) { try await replace(by: ["--open"]) }
    }

    private func replace(by arguments: [String]) async throws {
        guard let hub = server as? RunningHub else { throw MissingPower("only our hub can be told to") }
        let next = try await hub.replaced(by: arguments)
        isReplaced.store(arguments != ["--open"], ordering: .relaxed)
        relay.retarget(to: next.port)
        host.replace(by: next)
    }

    func passTime(_ duration: Duration) async throws {
        guard let hub = server as? RunningHub else { throw MissingPower("only our hub has leases") }
        try await hub.passTime(duration)
    }

    func close() async {
        relay.close()
        // The reference server is shared by all far sides.
        if let hub = server as? RunningHub { _ = try? await hub.program.stop() }
    }

    func offer(_ offer: Offer) async throws {
        let server = server
        let opened = try await server.post(
            "/api/mux/open", ["agent": "offerer-\(agent)", "target": agent, "intent": intent])
        guard let channel = opened["channel_id"] as? String else { throw MissingPower("no channel: \(opened)") }
        var payload: [String: Any] = [
            "name": offer.name, "size_bytes": offer.claimedSize, "digest": offer.claimedDigest.description,
        ]
        if let hub = server as? RunningHub, offer.bytes.count > 1 << 20 {
            payload["blob_id"] = try await blob(offer, at: hub)
        } else {
            payload["bundle_b64"] = Data(offer.bytes).base64EncodedString()
        }
        try await server.post("/api/mux/send", ["channel_id": channel, "payload": payload])
        try await server.post("/api/mux/close", ["channel_id": channel, "reason": "offered"])
    }

    /// The bytes of an offer, as a blob of the hub.
    private func blob(_ offer: Offer, at hub: RunningHub) async throws -> String {
        let bytes = Data(offer.bytes)
        let uploader = "offerer-\(agent)"
        let blob = try await hub.post(
            "/api/blobs",
            [
                "agent": uploader, "to": agent, "size_bytes": bytes.count,
                "digest": Digest(of: offer.bytes).description, "name": "offer.tza",
            ])
        guard let id = blob["blob_id"] as? String else { throw MissingPower("no blob: \(blob)") }
        for start in stride(from: 0, to: bytes.count, by: 1 << 20) {
            try await hub.patch(
                "/api/blobs/\(id)?agent=\(uploader)", bytes[start..<min(bytes.count, start + (1 << 20))],
                headers: ["Upload-Offset": String(start), "Content-Type": "application/octet-stream"])
        }
        return id
    }
}
