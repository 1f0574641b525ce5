internal import Fabric
internal import HTTPTypes

/// What waits for a receiver, listed and deleted by it, from any sender.
struct WaitingEndpoints: Sendable {
    let core: HubCore

    private static let most: Int64 = 1000

    var all: [Endpoint] {
        [
            Endpoint(
                .get, "/api/hub/waiting", "List what waits for an agent: frames, messages, and blobs without them",
                query: [
                    .required("agent"),
                    .optional("limit", "integer", "how many of each kind, 1 to 1000; 100 if absent"),
                ]
            ) { (exchange) async throws(HubFault) in try await list(exchange) },
            Endpoint(
                .post, "/api/hub/discard", "Delete what waits for an agent, by the ids of the list",
                body: .json([.required("agent"), .required("ids", "texts", "1 to 1000 ids")])
            ) { (exchange) async throws(HubFault) in try await discard(exchange) },
        ]
    }

    private func list(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var query = QueryFields(exchange.address)
        let agent = query.agent("agent")
        let limit = query.integer("limit", in: 1...Self.most) ?? 100
        try query.check()
        let caller = try await core.access.caller(of: exchange)
        try core.access.require(agent, caller)
        let waiting = try await stored { () async throws(StoreError) in
            try await core.store.waiting(agent: agent, limit: Int(limit))
        }
        let items = waiting.items.map(Self.json) + waiting.blobs.map(Self.json)
        return HubReply([
            "agent": .text(agent), "items": .list(items), "count": .integer(items.count),
            "has_more": .bool(waiting.hasMore),
        ])
    }

    private func discard(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let agent = fields.agent("agent")
        let ids = fields.optionalTexts("ids") ?? []
        if !(1...Int(Self.most)).contains(ids.count) { fields.refuse("ids", "Input should have 1 to 1000 ids") }
        try fields.check()
        try core.access.require(agent, try await core.access.caller(of: exchange))
        let gone = try await stored { () async throws(StoreError) in try await core.store.discard(ids, agent: agent) }
        core.metrics.add("discarded", gone.count)
        return HubReply([
            "discarded": .texts(ids.filter(gone.contains)), "unknown": .texts(ids.filter { !gone.contains($0) }),
        ])
    }

    private static func json(_ item: WaitingItem) -> JSONValue {
        var json: JSONObject = [
            "id": .text(item.id), "type": item.kind == .mux ? "frame" : "message", "from": .text(item.sender),
            "topic": .text(item.topic), "size_bytes": .integer(item.size), "leased": .bool(item.isLeased),
            "created_at": .text(item.createdAt.iso8601Microseconds),
            "expires_at": .text(item.expiresAt.iso8601Microseconds),
        ]
        for (key, value) in item.proof.json.members { json[key] = value }
        return .object(json)
    }

    private static func json(_ blob: Blob) -> JSONValue {
        [
            "id": .text(blob.id), "type": "blob", "from": .text(blob.agent), "name": .text(blob.name),
            "size_bytes": .integer(blob.size), "received": .integer(blob.received), "complete": .bool(blob.isComplete),
            "proven": .bool(blob.account == .proven), "created_at": .text(blob.createdAt.iso8601Microseconds),
        ]
    }
}
