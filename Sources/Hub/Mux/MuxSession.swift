internal import Fabric
internal import HTTPTypes

/// What one WebSocket has opened, and how it is answered (`mux.md`, section 6).
struct MuxSession {
    let service: MuxService
    let agent: String
    let caller: Access.Caller
    let sender: Access.Sender
    /// The channels that were opened here, in order; closed ones are taken out.
    private var open: [String] = []

    init(service: MuxService, agent: String, caller: Access.Caller, sender: Access.Sender) {
        self.service = service
        self.agent = agent
        self.caller = caller
        self.sender = sender
    }

    /// The answer to one message.
    mutating func answer(to bytes: [UInt8]) async -> String {
        let isMeasured = service.core.bandwidth.isEnforced
        do throws(HubFault) {
            let message = try await RequestJSON.read(bytes) { bytes throws(HubFault) in
                try SocketMessage(bytes, isMeasured: isMeasured)
            }
            switch message.action {
            case "open": return try await opened(message)
            case "send": return try await sent(message)
            case "close": return try await closed(message)
            case "list": return try await listed()
            default:
                return Self.text([
                    "error": "unknown_action", "action": .text(orNull: message.action.map { String($0.prefix(100)) }),
                ])
            }
        } catch {
            return Self.fault(error)
        }
    }

    /// Closes what is still open, as the reference server does when a socket ends.
    mutating func end() async {
        for id in open { _ = try? await service.close(id, reason: "ws_disconnect", by: .sender) }
        open = []
    }

    /// A message that says why a call failed.
    static func fault(_ fault: HubFault) -> String {
        Self.fault(fault.body["code"]?.text ?? "error", fault.body["detail"]?.text ?? "")
    }

    /// A message that says what went wrong: a word for programs, and for people what it means.
    static func fault(_ word: String, _ detail: String) -> String {
        text(["error": .text(word), "detail": .text(detail)])
    }

    private static func text(_ object: JSONObject) -> String { JSONValue.object(object).text(.compact) }

    private static func unknown(_ id: String) -> String {
        text(["error": "channel_not_found", "channel_id": .text(id)])
    }

    private mutating func opened(_ message: SocketMessage) async throws(HubFault) -> String {
        guard let target = message.target.flatMap(AgentName.parse) else {
            return Self.fault("bad_target", "target must be an agent's name")
        }
        let intent = message.intent ?? "stream"
        var draft = ChannelDraft(
            agent: agent, target: target, intent: intent,
            metadata: message.metadata?.text, staysOpen: message.metadata?.keepsOpen ?? false)
        draft.account = sender.account
        let opened = try await service.open(draft)
        open.append(opened.channel.id)
        return Self.text([
            "event": "channel_opened", "channel_id": .text(opened.channel.id), "intent": .text(intent),
            "route": opened.intent.route, "tbz_hash": .text(opened.channel.hash),
        ])
    }

    private mutating func sent(_ message: SocketMessage) async throws(HubFault) -> String {
        let id = message.channel
        // Only the sender's own: a socket speaks for one agent.
        guard let facts = try await facts(of: id), facts.agent == agent else { return Self.unknown(id) }
        let key =
            sender.isStranger
            ? nil : message.key.map { IdempotencyKey(agent: agent, text: String($0.prefix(128))) }
        do throws(HubFault) {
            let frame = try await service.send(message.payload, on: id, facts, by: sender, key: key)
            return Self.text([
                "event": "frame_ack", "channel_id": .text(id), "seq": .integer(frame.sequence),
                "tbz_hash": .text(frame.hash),
            ])
        } catch {
            guard ["channel_closed", "unknown_channel"].contains(error.body["code"]?.text) else { throw error }
            return Self.unknown(id)
        }
    }

    private mutating func closed(_ message: SocketMessage) async throws(HubFault) -> String {
        let id = message.channel
        guard let facts = try await facts(of: id), facts.agent == agent || facts.target == agent else {
            return Self.unknown(id)
        }
        _ = try await service.close(
            id, reason: message.reason ?? "client_close", by: facts.target == agent ? .receiver : .sender)
        open.removeAll { $0 == id }
        return Self.text(["event": "channel_closed", "channel_id": .text(id)])
    }

    private func listed() async throws(HubFault) -> String {
        var channels: [JSONValue] = []
        for id in open {
            let channel = try await stored { () async throws(StoreError) in
                try await service.core.store.channel(id)
            }
            guard let channel, channel.isOpen else { continue }
            channels.append([
                "id": .text(id), "target": .text(channel.target), "intent": .text(channel.intent),
                "frames_sent": .integer(channel.frames),
            ])
        }
        return Self.text(["event": "channel_list", "channels": .list(channels)])
    }

    private func facts(of id: String) async throws(HubFault) -> ChannelBook.Facts? {
        guard let facts = try await service.core.channels.facts(of: id), !facts.precedes(caller) else {
            return nil
        }
        return facts
    }
}

/// One message over a WebSocket, read.
private struct SocketMessage: Sendable {
    let action: String?
    let channel: String
    let target: String?
    let intent: String?
    let reason: String?
    let key: String?
    let metadata: ChannelMetadata?
    let payload: FramePayload

    private static let mostMembers = 256

    init(_ bytes: [UInt8], isMeasured: Bool) throws(HubFault) {
        let document: JSONDocument
        do throws(JSONFault) {
            document = try JSONDocument(checking: bytes)
        } catch {
            throw HubFault(.badRequest, error.description, code: "bad_json")
        }
        guard document.isObject, let list = document.members(limit: Self.mostMembers) else {
            throw HubFault(
                .badRequest, "a message is a JSON object of at most \(Self.mostMembers) members", code: "bad_message")
        }
        let members = Dictionary(list, uniquingKeysWith: { _, last in last })
        action = members["action"]?.text
        channel = members["channel_id"]?.text ?? ""
        target = members["target"]?.text
        intent = members["intent"]?.text
        reason = members["reason"]?.text
        key = members["idempotency_key"]?.text
        metadata = members["metadata"].flatMap { $0.isObject ? ChannelMetadata($0) : nil }
        payload = members["payload"].map { FramePayload($0, isMeasured: isMeasured) } ?? .empty
    }
}
