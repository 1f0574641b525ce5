internal import Fabric
internal import HTTPTypes

/// The mailbox of messages, as the three Python clients use it (`ipoll.md`, section 2), and what is added for receivers.
struct PollEndpoints: Sendable {
    let core: HubCore

    /// How many messages a pull gives if nothing else is asked.
    private static let usualLimit: Int64 = 50

    var all: [Endpoint] { peers + additions }

    private var peers: [Endpoint] {
        [
            Endpoint(
                .post, "/api/ipoll/push", "Send a message to an agent", isPeers: true,
                headers: [.optional("Idempotency-Key", "string", "the same key within 24 hours sends nothing again")],
                body: .json([
                    .required("from_agent"), .required("to_agent"), .required("content"),
                    .optional("poll_type", "string", "PUSH, PULL, SYNC, TASK or ACK; PUSH if absent"),
                    .optional("metadata", "object"), .optional("session_id"), .optional("reply_to"),
                    .optional("blob_id", "string", "a complete blob that goes with it; also in metadata"),
                ]), size: .message
            ) { (exchange) async throws(HubFault) in try await push(exchange) },
            Endpoint(
                .get, "/api/ipoll/pull/{agent}", "Read a mailbox", isPeers: true,
                query: [
                    .optional("mark_read", "boolean", "whether that reads them; false if absent"),
                    .optional("limit", "integer", "1 to 1000; 50 if absent"),
                    .optional("wait", "number", "seconds to wait until something is there, 0 to 60"),
                    .optional(
                        "kinds", "string", "only these, with commas: message, envelope, fork-envelope, fork, flare"),
                    .optional("after", "string", "only those after the message with this id"),
                ]
            ) { (exchange) async throws(HubFault) in try await pull(exchange) },
            Endpoint(
                .post, "/api/ipoll/respond", "Answer a message", isPeers: true,
                body: .json([.required("poll_id"), .required("response"), .required("from_agent")]), size: .message
            ) { (exchange) async throws(HubFault) in try await respond(exchange) },
            Endpoint(.get, "/api/ipoll/status", "Tell what the hub is and can do", isPeers: true) {
                (exchange) async throws(HubFault) in try await status(exchange)
            },
            Endpoint(
                .get, "/api/ipoll/history", "Messages of the past, newest first", isPeers: true,
                query: [
                    .required("agent"), .optional("limit", "integer", "1 to 1000; 20 if absent"),
                    .optional("include_archived", "boolean", "makes no difference: nothing is archived"),
                    .optional("session_id"), .optional("poll_type"), .optional("offset", "integer"),
                ]
            ) { (exchange) async throws(HubFault) in
                var query = QueryFields(exchange.address)
                let agent = query.agent("agent")
                try query.check()
                return try await history(exchange, of: agent)
            },
            Endpoint(
                .get, "/api/ipoll/history/{agent}", "Messages of the past, newest first", isPeers: true,
                query: [
                    .optional("limit", "integer"), .optional("offset", "integer"), .optional("poll_type"),
                    .optional("session_id"), .optional("include_archived", "boolean"),
                ]
            ) { (exchange) async throws(HubFault) in try await history(exchange, of: try exchange.agent("agent")) },
            Endpoint(
                .post, "/api/ipoll/file/push", "Send a file as base64", isPeers: true,
                body: .json([
                    .required("from_agent"), .required("to_agent"), .required("filename"), .required("data_base64"),
                    .optional("description"), .optional("poll_id"),
                ]), size: .file
            ) { (exchange) async throws(HubFault) in try await FilePush(core: core).answer(exchange) },
        ]
    }

    private var additions: [Endpoint] {
        let leasing = LeaseDesk(core: core)
        return [
            Endpoint(
                .post, "/api/ipoll/lease", "Take waiting messages for oneself for a while; wait for them if asked",
                body: .json(
                    LeaseDesk.leaseFields + [
                        .optional("kinds", "texts", "only these: message, envelope, fork-envelope, fork, flare"),
                        .optional("poll_types", "texts", "only these: PUSH, PULL, SYNC, TASK, ACK"),
                    ])
            ) { (exchange) async throws(HubFault) in try await lease(exchange, leasing) },
            Endpoint(
                .post, "/api/ipoll/settle", "Say what became of leased messages", body: .json(LeaseDesk.settleFields)
            ) { (exchange) async throws(HubFault) in try await leasing.settle(exchange) },
            Endpoint(
                .get, "/api/ipoll/events/{agent}", "Hear of messages as they come",
                query: [.optional("kinds", "string", "only these, with commas")], answerType: "text/event-stream"
            ) { (exchange) async throws(HubFault) in try await events(exchange) },
        ]
    }

    // MARK: - Senders

    private func push(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var draft = try await RequestJSON.read(exchange.body) { bytes throws(HubFault) in try Self.draft(bytes) }
        let (from, to) = (draft.from, draft.to)
        let sender = try await core.access.sender(from, try await core.access.caller(of: exchange))
        let tier = sender.limits
        try await core.access.requireReceiver(to)
        let size = draft.content.utf8.count + (draft.metadata?.utf8.count ?? 0)
        if let tier, size > tier.largestMessage { throw .tooLarge(limit: tier.largestMessage) }
        try await core.room.check(size, for: MailboxName(.ipoll, of: to), from: from, sender.account)
        draft.retention = tier?.retention ?? core.limits.retention
        draft.hourlyLimit = tier?.messagesPerHour
        draft.proof = sender.proof
        draft.account = sender.account
        let message = draft
        let key = try core.key(of: exchange, by: from, sender)
        let pushed = try await stored { () async throws(StoreError) in try await core.store.push(message, key: key) }
        core.metrics.add("messages_pushed")
        var answer: JSONObject = [
            "id": .text(pushed.id), "poll_id": .text(pushed.id), "message_id": .text(pushed.id), "status": "pending",
            "delivery": "local", "created_at": .text(pushed.createdAt.iso8601Microseconds),
        ]
        if let limit = tier?.messagesPerHour {
            answer["rate_limit_remaining"] = .integer(max(0, limit - pushed.sentThisHour))
        }
        return HubReply(answer).replayed(pushed.wasReplay)
    }

    /// The message that a request's body describes, without what depends on its sender.
    private static func draft(_ bytes: [UInt8]) throws(HubFault) -> MessageDraft {
        var fields = try BodyFields(bytes)
        let (from, to) = (fields.agent("from_agent"), fields.agent("to_agent"))
        let content = fields.text("content")
        // Anything but the five would make a client fail on the whole pull.
        let type =
            fields.has("poll_type")
            ? fields.parsed("poll_type", "PUSH, PULL, SYNC, TASK or ACK") { PollType(rawValue: $0.uppercased()) }
            : .push
        let metadata = fields.optionalObject("metadata")
        let session = fields.optionalText("session_id")
        let replyTo = fields.optionalText("reply_to")
        let blob = fields.optionalText("blob_id") ?? metadata?["blob_id"]?.text
        try fields.check()
        return MessageDraft(
            from: from, to: to, type: type ?? .push, kind: PollAnswers.kind(of: metadata), content: content,
            metadata: metadata?.text(.spaced), session: session, replyTo: replyTo, blob: blob)
    }

    private func respond(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        let (id, response, agent) = try await RequestJSON.read(exchange.body) { bytes throws(HubFault) in
            var fields = try BodyFields(bytes)
            let (id, response) = (fields.text("poll_id"), fields.text("response"))
            let agent = fields.agent("from_agent")
            try fields.check()
            return (id, response, agent)
        }
        let caller = try await core.access.caller(of: exchange)
        try core.access.require(agent, caller)
        let sender = try await core.access.sender(agent, caller)
        let tier = sender.limits
        if let tier, response.utf8.count > tier.largestMessage { throw .tooLarge(limit: tier.largestMessage) }
        let message = try await stored { () async throws(StoreError) in try await core.store.message(id) }
        guard let message, message.to == agent, message.position > caller.beginning else {
            throw HubFault(.unknownMessage(id))
        }
        try await core.access.requireReceiver(message.from)
        try await core.room.check(
            response.utf8.count, for: MailboxName(.ipoll, of: message.from), from: agent, sender.account)
        var draft = MessageDraft(
            from: agent, to: message.from, type: .ack, content: response, metadata: #"{"response": true}"#,
            session: message.session, replyTo: id, retention: tier?.retention ?? core.limits.retention,
            hourlyLimit: tier?.messagesPerHour, proof: sender.proof)
        draft.account = sender.account
        let answer = draft
        let pushed = try await stored { () async throws(StoreError) in
            try await core.store.respond(to: id, by: agent, with: answer)
        }
        core.metrics.add("messages_pushed")
        return HubReply([
            "status": "responded", "original_id": .text(id), "response_id": .text(pushed.id), "id": .text(pushed.id),
        ])
    }

    // MARK: - Receivers

    private func pull(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        let agent = try exchange.agent("agent")
        var query = QueryFields(exchange.address)
        let marksRead = query.bool("mark_read", else: false)
        let limit = Int(query.integer("limit", in: 1...1000) ?? Self.usualLimit)
        let wait = query.number("wait", in: 0...60) ?? 0
        let after = query.optionalText("after")
        try query.check()
        let filter = try Self.filter(exchange.address.value("kinds"))
        try core.access.require(agent, try await core.access.caller(of: exchange))
        let messages: [Message] = try await core.poll(exchange, at: MailboxName(.ipoll, of: agent), for: wait) {
            () async throws(HubFault) in
            let messages = try await stored { () async throws(StoreError) in
                try await core.store.pull(
                    agent: agent, filter: filter, after: after, limit: limit, marksRead: marksRead)
            }
            return HubCore.Look(found: messages, isAny: !messages.isEmpty, due: nil)
        }
        var json = JSONText()
        json.add("polls", list: messages.map { PollAnswers.message($0) })
        json.add("count", .integer(messages.count))
        json.add("agent", .text(agent))
        json.add("ains_domain", .text(agent + ".aint"))
        return HubReply(json: json)
    }

    private func lease(_ exchange: Exchange, _ leasing: LeaseDesk) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let wish = LeaseDesk.wish(in: &fields)
        let (kinds, types) = (fields.optionalTexts("kinds"), fields.optionalTexts("poll_types"))
        try fields.check()
        let filter = MessageFilter(
            kinds: try Self.known(kinds, "kinds", MessageKind.init(rawValue:)),
            types: try Self.known(types, "poll_types", PollType.init(rawValue:)))
        try core.access.require(wish.request.agent, try await core.access.caller(of: exchange))
        return try await leasing.answer(
            exchange, wish, of: filter.topics?.sorted().joined(separator: " ") ?? "any",
            at: MailboxName(.ipoll, of: wish.request.agent), as: "polls",
            { () async throws(StoreError) in try await core.store.leaseMessages(wish.request, filter: filter) },
            PollAnswers.leased)
    }

    private func history(_ exchange: Exchange, of agent: String) async throws(HubFault) -> HubReply {
        var query = QueryFields(exchange.address)
        let limit = query.integer("limit", in: 1...1000) ?? 20
        let offset = query.integer("offset", in: 0...1_000_000) ?? 0
        // Nothing is archived here: what is kept is shown.
        _ = query.bool("include_archived", else: true)
        try query.check()
        let type = try Self.known(
            exchange.address.value("poll_type").map { [$0] }, "poll_type", PollType.init(rawValue:))
        let caller = try await core.access.caller(of: exchange)
        try core.access.require(agent, caller)
        let asked = HistoryQuery(
            agent: agent, session: exchange.address.value("session_id"), type: type?.first,
            after: caller.beginning, offset: Int(offset), limit: Int(limit))
        let messages = try await stored { () async throws(StoreError) in try await core.store.history(asked) }
        var json = JSONText()
        json.add("polls", list: messages.map { PollAnswers.message($0) })
        json.add("count", .integer(messages.count))
        return HubReply(json: json)
    }

    private func events(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        let agent = try exchange.agent("agent")
        let filter = try Self.filter(exchange.address.value("kinds"))
        try core.access.require(agent, try await core.access.caller(of: exchange))
        let hints = MessageHints(store: core.store, agent: agent, filter: filter)
        let count = try await hints.begin()
        return EventStream.reply(
            exchange, at: MailboxName(.ipoll, of: agent), of: core.bell,
            first: [EventStream.Event(name: "waiting", data: ["count": .integer(count)])]
        ) { () async throws(HubFault) in
            let (new, waiting) = try await hints.next()
            let events = new.map { EventStream.Event(name: "poll", data: PollAnswers.hint($0)) }
            guard events.isEmpty, waiting > 0 else { return events }
            return [EventStream.Event(name: "waiting", data: ["count": .integer(waiting)])]
        }
    }

    private static func filter(_ kinds: String?) throws(HubFault) -> MessageFilter {
        let words = kinds?.split(separator: ",").map(String.init)
        return MessageFilter(kinds: try known(words, "kinds", MessageKind.init(rawValue:)))
    }

    private static func known<Value>(
        _ words: [String]?, _ name: String, _ parse: (String) -> Value?
    ) throws(HubFault) -> [Value]? {
        guard let words else { return nil }
        var values: [Value] = []
        for word in words {
            guard let value = parse(word) else {
                throw .invalid("body", name, message: "Input should be known words", input: .text(word))
            }
            values.append(value)
        }
        return values
    }

    // MARK: - Anybody

    /// Counts are for those who look after the hub.
    private func status(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var answer: JSONObject = [
            "status": "online", "version": .text(core.configuration.version),
            "pending_registrations": 0,
            "rate_limit": core.configuration.isOpen ? "none" : "by tier: 10, 100 or 1000 per hour",
            "security": [
                "open": .bool(core.configuration.isOpen),
                "signing": core.configuration.isOpen ? "none" : "X-AInternet or TIBET-SIG-V1",
            ],
        ]
        if core.access.showsFigures(exchange) {
            let totals = try await stored { () async throws(StoreError) in try await core.store.totals() }
            answer["agents"] = .integer(totals.agentsRegistered)
            answer["registered_agents"] = .integer(totals.agentsRegistered)
            answer["pending_polls"] = .integer(totals.messagesPending)
            answer["queue_depth"] = .integer(totals.messagesPending)
            answer["total_polls"] = .integer(totals.messagesPushed)
        }
        if core.configuration.isOpen {
            // Whose mail waits is nobody's business elsewhere.
            let pending = try await stored { () async throws(StoreError) in
                try await core.store.pendingByAgent(limit: 100)
            }
            var object = JSONObject()
            for (agent, count) in pending { object[agent] = .integer(count) }
            answer["pending_by_agent"] = .object(object)
        } else {
            answer["pending_by_agent"] = [:]
        }
        for (key, value) in core.features.members { answer[key] = value }
        return HubReply(answer)
    }
}
