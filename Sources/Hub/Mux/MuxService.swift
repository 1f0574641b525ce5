internal import Fabric
internal import HTTPTypes

/// What can be done with channels, whether by a request or over a WebSocket.
struct MuxService: Sendable {
    let core: HubCore

    /// The reasons with which the peers' consumers close a channel whose frames they have taken (`mux.md`, section 5.1).
    static let consumerReasons = ["consumer_received", "daemon_consumer_received"]

    /// A channel that was opened, with what the answer says of it.
    struct Opened: Sendable {
        let channel: OpenedChannel
        let draft: ChannelDraft
        let intent: Intent
    }

    /// Opens a channel.
    func open(_ draft: ChannelDraft, key: IdempotencyKey? = nil) async throws(HubFault) -> Opened {
        try await core.access.requireReceiver(draft.target)
        try await core.room.checkDisk(draft.metadata?.utf8.count ?? 0, draft.account)
        let opened = try await stored { () async throws(StoreError) in try await core.store.open(draft, key: key) }
        let intent = Intent(draft.intent)
        core.channels.remember(
            opened.id,
            ChannelBook.Facts(
                agent: draft.agent, target: draft.target, intent: intent, intentText: draft.intent,
                openedAt: opened.openedAt))
        core.metrics.add("channels_opened")
        return Opened(channel: opened, draft: draft, intent: intent)
    }

    /// Puts a frame into a channel.
    ///
    /// - Throws: 409 where its class of bandwidth is enforced and used up, 413 where it never has room in it.
    func send(
        _ payload: FramePayload, on id: String, _ facts: ChannelBook.Facts, by sender: Access.Sender,
        key: IdempotencyKey?
    ) async throws(HubFault) -> AppendedFrame {
        let text = payload.text
        if let limit = sender.limits?.largestFrame, text.utf8.count > limit { throw .tooLarge(limit: limit) }
        try takeBandwidth(payload.measure, id, facts)
        let mailbox = MailboxName(.mux, of: facts.target)
        try await core.room.check(text.utf8.count, for: mailbox, from: facts.agent, sender.account)
        var draft = FrameDraft(channel: id, payload: text, blob: payload.blob, proof: sender.proof)
        draft.account = sender.account
        draft.retention = sender.limits?.frameRetention
        draft.hourlyLimit = sender.limits?.framesPerHour
        let sent = draft
        let frame = try await stored { () async throws(StoreError) in try await core.store.append(sent, key: key) }
        core.metrics.add("frames_sent")
        return frame
    }

    private func takeBandwidth(_ size: Int, _ id: String, _ facts: ChannelBook.Facts) throws(HubFault) {
        switch core.bandwidth.take(size, from: id, of: facts.intent) {
        case .passes: return
        case .throttled:
            throw HubFault(
                .conflict,
                "Channel \(id) throttled (intent=\(facts.intentText), priority=\(facts.intent.bandwidth.priority))",
                code: "throttled")
        case .neverPasses: throw .tooLarge(limit: facts.intent.bandwidth.capacity ?? 0)
        }
    }

    /// Who closes a channel.
    enum Side: Sendable {
        /// Its receiver, proven: what it was shown is taken.
        case receiver
        /// Its sender, who takes nothing.
        case sender
        /// Nobody is proven; the reason tells which side it is.
        case anybody
    }

    /// Closes a channel.
    func close(_ id: String, reason: String, by side: Side) async throws(HubFault) -> Channel {
        let consumes =
            switch side {
            case .receiver: true
            case .sender: false
            case .anybody: Self.consumerReasons.contains(reason)
            }
        do throws(StoreError) {
            let channel = try await core.store.close(channel: id, reason: reason, consuming: consumes)
            core.metrics.add("channels_closed")
            return channel
        } catch {
            guard case .unknownChannel = error else { throw HubFault(error) }
            throw HubFault(.notFound, "Channel \(id) not found", code: "unknown_channel")
        }
    }

    /// The facts about a channel that has to be there, and to have been opened since the caller has its name.
    ///
    /// - Throws: 404.
    func facts(of id: String, for caller: Access.Caller) async throws(HubFault) -> ChannelBook.Facts {
        guard let facts = try await core.channels.facts(of: id), !facts.precedes(caller) else {
            throw HubFault(.unknownChannel(id))
        }
        return facts
    }
}
