import Fabric
import Synchronization

/// Mailboxes as the peers' clients expect them, and nothing beyond: no leases, no pages, no blobs.
final class PeerMailboxes: Sendable {
    private let messages = Mutex<[JSONObject]>([])
    private let files = Mutex<[JSONObject]>([])
    /// Whether files are taken.
    let takesFiles: Bool

    init(takesFiles: Bool = true) { self.takesFiles = takesFiles }

    /// What was pushed, in order, as it stands in the mailboxes.
    var all: [JSONObject] { messages.withLock { $0 } }
    /// What came as files, in order.
    var pushedFiles: [JSONObject] { files.withLock { $0 } }

    /// Puts a message into a mailbox, as if somebody had pushed it.
    @discardableResult
    func put(to agent: String, type: String = "PUSH", content: String = "c", metadata: JSONValue = [:]) -> String {
        messages.withLock { messages in
            let id = "m\(messages.count + 1)"
            messages.append([
                "id": .text(id), "from": "zoe", "to": .text(agent), "type": .text(type), "content": .text(content),
                "status": "pending", "created_at": "2026-11-20T10:00:00", "metadata": metadata,
            ])
            return id
        }
    }

    /// The answer to a request.
    @Sendable func answer(_ request: StubServer.Request) -> StubServer.Reply {
        switch (request.method, request.path) {
        case ("GET", "/api/ipoll/status"): return .json(["status": "online", "agents": 2])
        case ("POST", "/api/ipoll/push"):
            guard let body = request.json?.object, let to = body["to_agent"]?.text else { return .notFound }
            let id = put(
                to: to, type: body["poll_type"]?.text ?? "PUSH", content: body["content"]?.text ?? "",
                metadata: body["metadata"] ?? .null)
            return .json(["id": .text(id), "status": "pending"])
        case ("POST", "/api/ipoll/file/push") where takesFiles:
            guard let body = request.json?.object else { return .notFound }
            files.withLock { $0.append(body) }
            return .json(["file_id": "f1", "status": "stored"])
        case ("GET", let path) where path.hasPrefix("/api/ipoll/pull/"):
            let agent = String(path.dropFirst("/api/ipoll/pull/".count))
            return pull(agent, marking: request.target.contains("mark_read=true"))
        default: return .notFound
        }
    }

    private func pull(_ agent: String, marking: Bool) -> StubServer.Reply {
        let waiting = messages.withLock { messages in
            var waiting: [JSONValue] = []
            for index in messages.indices
            where messages[index]["to"]?.text == agent && messages[index]["status"]?.text == "pending" {
                waiting.append(.object(messages[index]))
                if marking { messages[index]["status"] = "read" }
            }
            return waiting
        }
        return .json(["polls": .list(waiting), "agent": .text(agent)])
    }
}
