internal import Fabric
internal import HTTPServing
internal import HTTPTypes
internal import Logging
internal import NIOCore
internal import NIOWebSocket

/// The WebSocket of the mux (`mux.md`, section 6): a sender's calls over one connection, and hints for a receiver.
struct MuxSockets: Sendable {
    let core: HubCore
    let service: MuxService
    let budget: BodyBudget

    static let path = "/api/mux/ws"

    /// A handshake that is agreed to.
    struct Acceptance: Sendable {
        /// The answer that ends HTTP.
        let head: HTTPResponse
        let agent: String
        let caller: Access.Caller
        let sender: Access.Sender
        let admission: RequestCounter.Admission
        /// Whether hints are wanted, and of which intent.
        let subscribes: Bool
        let intent: String?
    }

    /// Whether a request wants to become a WebSocket here.
    static func isOne(_ head: HTTPRequest) -> Bool {
        guard let upgrade = HTTPField.Name("Upgrade"), head.headerFields[upgrade]?.lowercased() == "websocket",
            let path = head.path
        else { return false }
        return path == Self.path || path.hasPrefix(Self.path + "?")
    }

    /// Agrees to a handshake.
    ///
    /// - Throws: 403 without an agent, as the peers' server; 400 for no handshake; 401 and 403 as for requests.
    func accept(_ head: HTTPRequest, _ channel: any NIOCore.Channel, _ transfer: String) async throws(HubFault)
        -> Acceptance
    {
        let admission = try core.access.counter.admit(head.headerFields, from: ClientAddress.counted(of: channel))
        guard let answer = SocketConnection.acceptance(of: head) else {
            throw HubFault(.badRequest, "this is no WebSocket handshake", code: "bad_handshake")
        }
        guard let address = RequestAddress(head.path ?? ""), let text = address.value("agent"),
            let agent = AgentName.parse(text)
        else { throw HubFault(.forbidden, "an agent must be named", code: "agent") }
        var query = QueryFields(address)
        let subscribes = query.bool("subscribe", else: false)
        try query.check()
        let exchange = Exchange(
            head: head, address: address, captures: [:], body: [], admission: admission, channel: channel,
            transfer: transfer)
        try await core.access.redeem(exchange)
        let caller = try await core.access.caller(of: exchange)
        let sender = try await core.access.sender(agent, caller)
        if subscribes { try core.access.require(agent, caller) }
        return Acceptance(
            head: answer, agent: agent, caller: caller, sender: sender, admission: admission, subscribes: subscribes,
            intent: address.value("intent"))
    }

    /// Serves the other side until it leaves, and closes the channels that it opened here.
    func serve(_ acceptance: Acceptance, on channel: any NIOCore.Channel) async {
        // Unproven senders may not send frames that need more.
        let largest = acceptance.sender.account == .unproven ? RequestJSON.largestOnLoop : core.limits.messageBody
        guard
            let connection = try? await SocketConnection.take(
                channel, answering: acceptance.head, largestMessage: largest,
                budget: budget, mayUseAll: acceptance.sender.account == .proven)
        else {
            channel.close(promise: nil)
            return
        }
        core.metrics.add("sockets")
        let hints = acceptance.subscribes ? Task { await tell(acceptance, connection) } : nil
        var session = MuxSession(
            service: service, agent: acceptance.agent, caller: acceptance.caller,
            sender: acceptance.sender)
        for await event in connection.events {
            switch event {
            case .text(let bytes): connection.send(await answer(to: bytes, &session, acceptance))
            case .binary: connection.send(MuxSession.fault("binary_message", "messages are JSON texts"))
            }
            connection.consumed()
        }
        hints?.cancel()
        await session.end()
    }

    /// The answer to one message, which counts as a request does.
    private func answer(
        to bytes: [UInt8], _ session: inout MuxSession, _ acceptance: Acceptance
    ) async -> String {
        do throws(HubFault) {
            try acceptance.admission.countMessage()
        } catch {
            return MuxSession.fault(error)
        }
        return await session.answer(to: bytes)
    }

    /// Tells a receiver of frames as they come.
    private func tell(_ acceptance: Acceptance, _ connection: SocketConnection) async {
        let mailbox = MailboxName(.mux, of: acceptance.agent)
        let waiter = Waiter()
        core.bell.add(waiter, at: mailbox)
        defer { core.bell.remove(waiter, at: mailbox) }
        let hints = FrameHints(store: core.store, agent: acceptance.agent, intent: acceptance.intent)
        await withTaskCancellationHandler {
            var count = (try? await hints.begin()) ?? 0
            while !Task.isCancelled {
                if count > 0 {
                    connection.send(
                        JSONValue.object(["event": "waiting", "count": .integer(count)]).text(.compact))
                }
                guard await waiter.next() == .rung else { return connection.close(.goingAway) }
                guard let (new, waiting) = try? await hints.next() else { continue }
                count = new.isEmpty ? waiting : 0
                for frame in new {
                    var hint: JSONObject = ["event": "frame"]
                    for (key, value) in MuxAnswers.hint(frame).members { hint[key] = value }
                    connection.send(JSONValue.object(hint).text(.compact))
                }
            }
        } onCancel: {
            waiter.end()
        }
    }
}
