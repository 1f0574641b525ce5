internal import Fabric
internal import HTTPTypes

/// The peers' endpoints of channels (`mux.md`, section 2).
struct MuxEndpoints: Sendable {
    let core: HubCore
    let service: MuxService

    /// The most closed channels that a list holds beside those that still matter.
    private static let mostListed = 1000
    private static let idempotency = Endpoint.Field.optional(
        "Idempotency-Key", "string", "the same key of the same agent within 24 hours gets the first answer again")

    var all: [Endpoint] {
        [
            Endpoint(
                .post, "/api/mux/open", "Open a channel to an agent", isPeers: true, headers: [Self.idempotency],
                body: .json([
                    .required("agent", "string", "who sends"), .required("target", "string", "who receives"),
                    .required("intent", "string", "what for; any text"),
                    .optional("metadata", "object", "keep_open: true leaves it open when all was taken"),
                ])
            ) { (exchange) async throws(HubFault) in try await open(exchange) },
            Endpoint(
                .post, "/api/mux/send", "Put a frame into a channel", isPeers: true, headers: [Self.idempotency],
                body: .json([
                    .required("channel_id"), .required("payload", "any", "with blob_id it carries a complete blob"),
                ]), size: .message
            ) { (exchange) async throws(HubFault) in try await send(exchange) },
            Endpoint(
                .post, "/api/mux/close", "Close a channel; again if it is closed", isPeers: true,
                body: .json([.required("channel_id"), .optional("reason", "string", "client_close if absent")])
            ) { (exchange) async throws(HubFault) in try await close(exchange) },
            Endpoint(
                .get, "/api/mux/by-target", "List the channels to an agent", isPeers: true,
                query: [
                    .required("target"), .optional("intent", "string", "exactly this one"),
                    .optional("include_closed", "boolean", "closed ones as well, for as long as they are kept"),
                ]
            ) { (exchange) async throws(HubFault) in try await byTarget(exchange) },
            Endpoint(
                .get, "/api/mux/channel/{id}", "Show a channel and its oldest waiting frames, or page through all",
                isPeers: true,
                query: [
                    .optional("after_seq", "integer", "all frames after this number instead; -1 from the first"),
                    .optional("limit", "integer", "how many at most, 1 to 1000"),
                ]
            ) { (exchange) async throws(HubFault) in try await channel(exchange) },
            Endpoint(
                .get, "/api/mux/channels", "List the open channels of a sender", isPeers: true,
                query: [.required("agent")]
            ) { (exchange) async throws(HubFault) in try await channels(exchange) },
            Endpoint(.get, "/api/mux/intents", "List the intents that have a name of their own", isPeers: true) {
                (_) async throws(HubFault) in intents
            },
            Endpoint(.get, "/api/mux/status", "Tell what the hub is and can do", isPeers: true) {
                (exchange) async throws(HubFault) in try await status(exchange)
            },
        ]
    }

    // MARK: - Senders

    private func open(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let (agent, target) = (fields.agent("agent"), fields.agent("target"))
        let intent = fields.text("intent")
        let metadata = fields.optionalObject("metadata").map { ChannelMetadata($0) }
        try fields.check()
        let sender = try await core.access.sender(agent, try await core.access.caller(of: exchange))
        var draft = ChannelDraft(
            agent: agent, target: target, intent: intent,
            metadata: metadata?.text, staysOpen: metadata?.keepsOpen ?? false)
        draft.account = sender.account
        let opened = try await service.open(draft, key: try core.key(of: exchange, by: agent, sender))
        return HubReply([
            "channel_id": .text(opened.channel.id), "intent": .text(intent), "route": opened.intent.route,
            "state": "open", "agent": .text(agent), "target": .text(target), "tbz_hash": .text(opened.channel.hash),
        ]).replayed(opened.channel.wasReplay)
    }

    private func send(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        let isMeasured = core.bandwidth.isEnforced
        let (id, payload) = try await RequestJSON.read(exchange.body) { bytes throws(HubFault) in
            var fields = try BodyFields(bytes)
            let id = fields.text("channel_id")
            let payload = fields.any("payload").map { FramePayload($0, isMeasured: isMeasured) }
            try fields.check()
            return (id, payload ?? .empty)
        }
        let caller = try await core.access.caller(of: exchange)
        let facts = try await service.facts(of: id, for: caller)
        let sender = try await core.access.sender(facts.agent, caller)
        let frame = try await service.send(
            payload, on: id, facts, by: sender, key: try core.key(of: exchange, by: facts.agent, sender))
        return HubReply([
            "delivered": true, "channel_id": .text(id), "seq": .integer(frame.sequence),
            "tbz_hash": .text(frame.hash), "route": facts.intent.route,
        ]).replayed(frame.wasReplay)
    }

    private func close(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let id = fields.text("channel_id")
        let reason = fields.optionalText("reason") ?? "client_close"
        try fields.check()
        let caller = try await core.access.caller(of: exchange)
        guard let facts = try await core.channels.facts(of: id), !facts.precedes(caller) else {
            throw HubFault(.notFound, "Channel \(id) not found", code: "unknown_channel")
        }
        let side: MuxService.Side
        if case .anybody = caller {
            side = .anybody
        } else if caller.name == facts.target {
            side = .receiver
        } else {
            _ = try await core.access.sender(facts.agent, caller)
            side = .sender
        }
        let channel = try await service.close(id, reason: reason, by: side)
        let bandwidth = core.bandwidth.json(of: id, intent: facts.intent, bytes: channel.bytes)
        return HubReply([
            "channel_id": .text(id), "state": .text(MuxAnswers.state(channel)), "reason": .text(reason),
            "duration_frames": .integer(channel.frames), "bytes_transferred": .integer(channel.bytes),
            "tbz_chain_length": .integer(channel.chainLength), "bandwidth": bandwidth,
        ])
    }

    // MARK: - Receivers

    private func byTarget(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var query = QueryFields(exchange.address)
        let asked = query.text("target")
        let intent = query.optionalText("intent").flatMap { $0.isEmpty ? nil : $0 }
        let includesClosed = query.bool("include_closed", else: false)
        try query.check()
        // As at the peers, white space is part of the name here, so that there is no such agent.
        let isBare = asked.utf8.first != 0x20 && asked.utf8.last != 0x20
        let target = isBare ? AgentName.normalised(asked) : asked.lowercased()
        let caller = try await core.access.caller(of: exchange)
        try core.access.require(target, caller)
        let channels = try await listed(towards: target, intent, includesClosed, after: caller.beginning)
        return HubReply([
            "target": .text(target), "intent_filter": .text(orNull: intent), "include_closed": .bool(includesClosed),
            "channels": .list(channels.map(MuxAnswers.listedToTarget)), "count": .integer(channels.count),
        ])
    }

    private func listed(
        towards target: String, _ intent: String?, _ includesClosed: Bool, after place: Int64
    ) async throws(HubFault) -> [Channel] {
        let waiting = ChannelQuery(
            .towards(target), filter: .openOrUnsettled, intent: intent, after: place, limit: 10_000)
        var channels = try await stored { () async throws(StoreError) in try await core.store.channels(waiting) }
        guard includesClosed else { return channels }
        let any = ChannelQuery(.towards(target), filter: .all, intent: intent, after: place, limit: Self.mostListed)
        let others = try await stored { () async throws(StoreError) in try await core.store.channels(any) }
        let known = Set(channels.map(\.id))
        channels += others.filter { !known.contains($0.id) }
        return channels.sorted { $0.position < $1.position }
    }

    private func channel(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var query = QueryFields(exchange.address)
        let after = query.integer("after_seq", in: -1...Int64.max)
        let limit = query.integer("limit", in: 1...1000)
        try query.check()
        let id = exchange.capture("id")
        let caller = try await core.access.caller(of: exchange)
        let facts = try await service.facts(of: id, for: caller)
        // Both sides of a channel may look at it.
        let isReader = caller.name == facts.target
        if !isReader, caller.name != facts.agent { try core.access.require(facts.target, caller) }
        let marks = isReader || core.configuration.isOpen
        if let after {
            return try await page(id, after: after, limit: Int(limit ?? 100))
        }
        let view = try await stored { () async throws(StoreError) in
            try await core.store.view(channel: id, limit: Int(limit ?? 10), marks: marks)
        }
        guard let view else { throw HubFault(.unknownChannel(id)) }
        let bandwidth = core.bandwidth.json(of: id, intent: facts.intent, bytes: view.channel.bytes)
        var json = MuxAnswers.whole(view.channel, chain: view.chain, bandwidth: bandwidth)
        json.add("recent_frames", list: view.recent.map { MuxAnswers.frame($0) })
        return HubReply(json: json)
    }

    private func page(_ id: String, after: Int64, limit: Int) async throws(HubFault) -> HubReply {
        let page = try await stored { () async throws(StoreError) in
            try await core.store.frames(of: id, after: after, limit: limit)
        }
        var json = JSONText()
        json.add("id", .text(id))
        json.add("frames", list: page.frames.map { MuxAnswers.frame($0) })
        json.add("next_after_seq", page.next.map { .integer($0) } ?? .null)
        return HubReply(json: json)
    }

    private func channels(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var query = QueryFields(exchange.address)
        let agent = query.agent("agent")
        try query.check()
        let caller = try await core.access.caller(of: exchange)
        try core.access.require(agent, caller)
        let asked = ChannelQuery(.openedBy(agent), after: caller.beginning, limit: Self.mostListed)
        let channels = try await stored { () async throws(StoreError) in
            try await core.store.channels(asked)
        }
        return HubReply([
            "agent": .text(agent), "channels": .list(channels.map(MuxAnswers.listedToOpener)),
            "count": .integer(channels.count),
        ])
    }

    private var intents: HubReply {
        var known = JSONObject()
        for intent in Intent.known { known[intent.name] = intent.route }
        return HubReply([
            "intents": .object(known), "custom_allowed": true, "description": "Any intent string is accepted",
        ])
    }

    /// Counts are for those who look after the hub.
    private func status(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var answer: JSONObject = [
            "status": "operational", "version": "1.0.0", "agent": "node",
            "known_intents": .integer(Intent.known.count),
            "uptime_since": .text(core.startedAt.iso8601Microseconds),
            "security": [
                "transport": core.configuration.tls == nil ? "plain HTTP" : "TLS 1.2 or later",
                "isolation": "channel-segmented",
                "signing": core.configuration.isOpen ? "none: this hub is open" : "X-AInternet or TIBET-SIG-V1",
            ],
        ]
        if core.access.showsFigures(exchange) {
            let totals = try await stored { () async throws(StoreError) in try await core.store.totals() }
            answer["channels"] = [
                "active": .integer(totals.channelsOpen), "total_opened": .integer(totals.channelsOpened),
                "total_closed": .integer(totals.channelsClosed),
            ]
            answer["messages_routed"] = .integer(totals.framesAppended)
            answer["bytes_transferred"] = .integer(totals.frameBytes)
        }
        for (key, value) in core.features.members { answer[key] = value }
        return HubReply(answer)
    }
}
