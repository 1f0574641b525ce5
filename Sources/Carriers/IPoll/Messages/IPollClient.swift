package import Fabric
internal import HTTPClient
package import HubClient

/// Sends and reads messages at one server, in the name of one agent (`ipoll.md`).
///
/// Every call makes one attempt. A server that is busy ends it with `throttled`, and with the time after which to come
/// again where the server named one (`Retry-After`).
package struct IPollClient: Sendable {
    /// Where the server is.
    package let server: HubAddress
    /// The agent whose mailbox is read, and in whose name messages are sent.
    package let agent: HubAgent

    let connections: HubConnections
    private let identification: [(name: String, value: String)]

    /// The most of one answer that is read, in bytes.
    static let largestAnswer = 16 << 20
    /// How many messages are asked for at once where nobody says otherwise: what the peers' pages call the usual number.
    package static let pageSize = 50

    /// A client that asks nothing before it is told to, and keeps its connections for as long as it, or a copy of it,
    /// lives.
    ///
    /// - Throws: `misconfigured` for a token that no header can hold.
    package init(
        server: HubAddress, agent: HubAgent, configuration: IPollConfiguration = IPollConfiguration()
    ) throws(CarrierError) {
        self.init(
            server: server, agent: agent, connections: HubConnections(configuration: configuration.hub),
            identification: try configuration.identification())
    }

    /// A client over connections that others use as well.
    init(
        server: HubAddress, agent: HubAgent, connections: HubConnections,
        identification: [(name: String, value: String)]
    ) {
        self.server = server
        self.agent = agent
        self.connections = connections
        self.identification = identification
    }

    /// The same server over the same connections, in the name of another agent.
    package func acting(as agent: HubAgent) -> IPollClient {
        IPollClient(server: server, agent: agent, connections: connections, identification: identification)
    }

    // MARK: - Sending

    /// Sends a message. On return the server has taken it.
    ///
    /// - Throws: `misconfigured` for a type that is none of the five, which would make the peers' readers fail.
    package func push(_ poll: OutgoingPoll) async throws(CarrierError) -> PollReceipt {
        guard PollType.known.contains(poll.type) else {
            throw CarrierError(
                .misconfigured, .giveUp, "'\(poll.type)' is no type of message",
                remedy: "use one of " + PollType.known.map(\.description).joined(separator: ", "))
        }
        var headers: [(name: String, value: String)] = []
        if let key = poll.idempotencyKey { headers.append(("Idempotency-Key", key)) }
        let hub = hub("cannot send to '\(poll.recipient)'")
        let answer = try await hub.ask(
            .post, "/api/ipoll/push", poll.body(from: agent), headers: identification + headers)
        return PollReceipt(try object(answer, hub), isRepeated: answer.wasReplayed)
    }

    /// Answers a message, which the server then counts as responded.
    ///
    /// - Returns: What the server says; most name `original_id` and `response_id`.
    package func respond(to id: String, with text: String) async throws(CarrierError) -> JSONObject {
        try await object(
            .post, "/respond",
            ["poll_id": .text(id), "response": .text(text), "from_agent": .text(agent.name)],
            "cannot answer the message '\(id.prefix(100))'")
    }

    // MARK: - Asking

    /// What the server says of itself.
    package func status() async throws(CarrierError) -> IPollStatus {
        let purpose = "cannot ask for the status"
        let features = try await hub(purpose).askFeatures(of: .ipoll)
        return IPollStatus(try await object(.get, "/status", nil, purpose), features)
    }

    /// What the server can beyond what the peers' can, as it said within the last minute, or says now.
    package func features() async throws(CarrierError) -> HubFeatures {
        try await hub("cannot ask what the server can").features(of: .ipoll)
    }

    /// Makes the agent known at the lowest tier: the peers' way. Our hub takes proof of a key at its name service.
    package func register(
        description: String, capabilities: [String] = ["push", "pull"]
    ) async throws(CarrierError) -> JSONObject {
        try await object(
            .post, "/register",
            [
                "agent_id": .text(agent.name), "description": .text(description),
                "capabilities": .texts(capabilities),
            ], "cannot register '\(agent)'")
    }

    /// What the server's name service has of an agent.
    package func resolve(_ other: HubAgent) async throws(CarrierError) -> JSONObject {
        try await object(.get, "/resolve/\(other)", nil, "cannot look '\(other)' up")
    }

    // MARK: - Requests

    /// The hub, for requests that are made for `purpose`.
    func hub(_ purpose: String) -> HubClient {
        connections.client(at: server, as: agent, purpose: "\(purpose) at '\(server)'")
    }

    /// Makes one request below `/api/ipoll` and returns the JSON object that came back.
    func object(
        _ method: OutgoingRequest.Method, _ path: String, _ body: JSONValue?, _ purpose: String
    ) async throws(CarrierError) -> JSONObject {
        let hub = hub(purpose)
        return try object(await hub.ask(method, "/api/ipoll" + path, body, headers: identification), hub)
    }

    /// Asks for messages; nil when the answer is longer than is read.
    func messages(_ path: String, patience: Duration = .zero, _ purpose: String) async throws(CarrierError)
        -> JSONObject?
    {
        let hub = hub(purpose)
        let answer = try await hub.ask(
            .get, "/api/ipoll" + path, headers: identification, patience: patience, largestAnswer: Self.largestAnswer)
        return answer.answer.isCut ? nil : try object(answer, hub)
    }

    private func object(_ answer: HubAnswer, _ hub: HubClient) throws(CarrierError) -> JSONObject {
        guard let object = try hub.object(answer).object else { throw hub.unexpected("is no object") }
        // So do servers say no that say 200 to everything (`ipoll.md`, section 2).
        if let error = object["error"], !error.isNull {
            throw CarrierError(
                .refused, .tryNextRoute,
                "\(hub.purpose): the server answers with an error: " + String((error.text ?? "no words").prefix(300)))
        }
        return object
    }
}
