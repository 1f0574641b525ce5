internal import Fabric
internal import HTTPTypes
internal import Synchronization

/// What the peers' server does not have for receivers: leases, settling, and events.
struct MuxConsumers: Sendable {
    let core: HubCore

    /// The intent of envelopes.
    static let envelopes = "continuityd:inbox"

    var all: [Endpoint] {
        let leasing = LeaseDesk(core: core)
        return [
            Endpoint(
                .post, "/api/mux/lease", "Take waiting frames for oneself for a while; wait for them if asked",
                body: .json(
                    LeaseDesk.leaseFields + [
                        .optional("intent", "string", "of which intent; null for any; \(Self.envelopes) if absent")
                    ])
            ) { (exchange) async throws(HubFault) in try await lease(exchange, leasing) },
            Endpoint(
                .post, "/api/mux/settle", "Say what became of leased frames", body: .json(LeaseDesk.settleFields)
            ) { (exchange) async throws(HubFault) in try await leasing.settle(exchange) },
            Endpoint(
                .get, "/api/mux/events", "Hear of frames as they come",
                query: [.required("agent"), .optional("intent", "string", "only of this intent")],
                answerType: "text/event-stream"
            ) { (exchange) async throws(HubFault) in try await events(exchange) },
        ]
    }

    private func lease(_ exchange: Exchange, _ leasing: LeaseDesk) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let wish = LeaseDesk.wish(in: &fields)
        let intent = fields.has("intent") ? fields.optionalText("intent") : Self.envelopes
        try fields.check()
        try core.access.require(wish.request.agent, try await core.access.caller(of: exchange))
        return try await leasing.answer(
            exchange, wish, of: intent.map { "of " + $0 } ?? "any", at: MailboxName(.mux, of: wish.request.agent),
            as: "frames",
            { () async throws(StoreError) in try await core.store.leaseFrames(wish.request, intent: intent) },
            MuxAnswers.leased)
    }

    private func events(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var query = QueryFields(exchange.address)
        let agent = query.agent("agent")
        let intent = query.optionalText("intent").flatMap { $0.isEmpty ? nil : $0 }
        try query.check()
        try core.access.require(agent, try await core.access.caller(of: exchange))
        let hints = FrameHints(store: core.store, agent: agent, intent: intent)
        let count = try await hints.begin()
        return EventStream.reply(
            exchange, at: MailboxName(.mux, of: agent), of: core.bell,
            first: [EventStream.Event(name: "waiting", data: ["count": .integer(count)])]
        ) { () async throws(HubFault) in
            let (new, waiting) = try await hints.next()
            let events = new.map { EventStream.Event(name: "frame", data: MuxAnswers.hint($0)) }
            guard events.isEmpty, waiting > 0 else { return events }
            return [EventStream.Event(name: "waiting", data: ["count": .integer(waiting)])]
        }
    }
}

/// Finds the frames that somebody who listens was not told of yet.
final class FrameHints: Sendable {
    private static let most = 100
    private let store: HubStore
    private let agent: String
    private let intent: String?
    private let position = Mutex<Int64>(0)

    init(store: HubStore, agent: String, intent: String?) {
        self.store = store
        self.agent = agent
        self.intent = intent
    }

    /// How many wait now, counted up to a hundred; those are not told of one by one.
    func begin() async throws(HubFault) -> Int {
        let frames = try await waiting(after: 0)
        position.withLock { $0 = frames.last?.position ?? 0 }
        return frames.count
    }

    /// Those that came since; and where none did, how many wait, as something may have been released.
    func next() async throws(HubFault) -> (new: [Frame], waiting: Int) {
        let frames = try await waiting(after: position.withLock { $0 })
        if let last = frames.last {
            position.withLock { $0 = last.position }
            return (frames, frames.count)
        }
        return ([], try await waiting(after: 0).count)
    }

    private func waiting(after position: Int64) async throws(HubFault) -> [Frame] {
        try await stored { () async throws(StoreError) in
            try await store.waitingFrames(agent: agent, intent: intent, after: position, limit: Self.most)
        }
    }
}
