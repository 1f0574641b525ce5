internal import Fabric
internal import HTTPTypes

/// What those ask who look after the hub.
struct OperationEndpoints: Sendable {
    let core: HubCore

    /// These, with the document that describes `others` and these.
    func all(describing others: [Endpoint]) -> [Endpoint] {
        var own = [
            Endpoint(.get, "/health", "Tell whether the hub is well; 503 when its store does not answer") {
                (exchange) async throws(HubFault) in try await health(exchange)
            },
            Endpoint(
                .get, "/metrics", "Counters and gauges for Prometheus; for administrators and programs on this machine",
                answerType: "text/plain"
            ) {
                (exchange) async throws(HubFault) in
                try await core.access.requireOperator(exchange)
                return try await metrics()
            },
            Endpoint(
                .get, "/api/hub/status",
                "Counts, sizes, version and uptime; for administrators and programs on this machine"
            ) {
                (exchange) async throws(HubFault) in
                try await core.access.requireOperator(exchange)
                return try await status()
            },
            Endpoint(
                .get, MuxSockets.path, "A WebSocket for senders, and for hints to receivers", isPeers: true,
                query: [
                    .required("agent"), .optional("token", "string", "ignored"),
                    .optional("subscribe", "boolean", "hints of frames to the agent as they come"),
                    .optional("intent", "string", "hints of this intent only"),
                ], status: 101
            ) { (_) async throws(HubFault) in
                throw HubFault(.upgradeRequired, "this is a WebSocket", code: "upgrade")
            },
        ]
        let version = core.configuration.version
        let described = others + own + [Self.document { (_) async throws(HubFault) in throw .nothingHere }]
        let text = JSONValue.object(OpenAPI.document(of: described, version: version)).text(.compact)
        own.append(
            Self.document { (_) async throws(HubFault) in HubReply(body: .text(text, type: "application/json")) })
        return own
    }

    private static func document(_ answer: @escaping Endpoint.Answer) -> Endpoint {
        Endpoint(.get, "/openapi.json", "This document", answer: answer)
    }

    /// Whether the hub is well; what version it is, only those learn who look after it.
    private func health(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        do throws(StoreError) {
            try await core.store.probe()
        } catch {
            throw HubFault(.serviceUnavailable, "the store does not answer", code: "unavailable")
                .with("status", "unavailable").because(error.explanation)
        }
        guard core.configuration.isOpen || exchange.isFromThisMachine else { return HubReply(["status": "ok"]) }
        return HubReply([
            "status": "ok", "version": .text(core.configuration.version), "open": .bool(core.configuration.isOpen),
        ])
    }

    private func status() async throws(HubFault) -> HubReply {
        let totals = try await stored { () async throws(StoreError) in try await core.store.totals() }
        let storage = try await stored { () async throws(StoreError) in try await core.store.storage() }
        let uptime = (ContinuousClock.now - core.started).components.seconds
        return HubReply([
            "status": "ok", "version": .text(core.configuration.version), "open": .bool(core.configuration.isOpen),
            "started_at": .text(core.startedAt.iso8601Microseconds), "uptime_seconds": .integer(uptime),
            "store": [
                "kind": .text(core.configuration.storeKind), "size_bytes": .integer(storage.size),
                "free_bytes": storage.free.map { .integer($0) } ?? .null,
                "reserve_bytes": .integer(core.limits.reserve),
            ],
            "channels": [
                "open": .integer(totals.channelsOpen), "opened": .integer(totals.channelsOpened),
                "closed": .integer(totals.channelsClosed),
            ],
            "frames": [
                "sent": .integer(totals.framesAppended), "waiting": .integer(totals.framesUnsettled),
                "bytes": .integer(totals.frameBytes),
            ],
            "messages": [
                "pushed": .integer(totals.messagesPushed), "pending": .integer(totals.messagesPending),
                "bytes": .integer(totals.messageBytes),
            ],
            "refused": .integer(totals.itemsRefused), "agents": .integer(totals.agentsRegistered),
            "blob_bytes": .integer(totals.blobBytes), "waiting_requests": .integer(core.bell.count),
        ])
    }

    private func metrics() async throws(HubFault) -> HubReply {
        let totals = try await stored { () async throws(StoreError) in try await core.store.totals() }
        let storage = try await stored { () async throws(StoreError) in try await core.store.storage() }
        let uptime = (ContinuousClock.now - core.started) / .seconds(1)
        let gauges: [(name: String, help: String, value: Double)] = [
            ("uptime_seconds", "Time since the start.", uptime),
            ("channels_open", "Channels that are open.", Double(totals.channelsOpen)),
            ("frames_waiting", "Frames that nobody has settled.", Double(totals.framesUnsettled)),
            ("messages_pending", "Messages that nobody has read.", Double(totals.messagesPending)),
            ("items_refused", "Frames and messages that were refused.", Double(totals.itemsRefused)),
            ("agents_registered", "Names in the registry.", Double(totals.agentsRegistered)),
            ("blob_stored_bytes", "Bytes of blobs.", Double(totals.blobBytes)),
            ("store_bytes", "Bytes that the store takes of its disk.", Double(storage.size)),
            ("waiting_requests", "Requests that wait for something to come.", Double(core.bell.count)),
        ]
        let free = storage.free.map {
            [(name: "store_free_bytes", help: "Bytes that are free on the store's disk.", value: Double($0))]
        }
        return HubReply(
            body: .text(
                core.metrics.text(gauges: gauges + (free ?? [])), type: "text/plain; version=0.0.4; charset=utf-8"))
    }
}
