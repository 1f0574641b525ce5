import Foundation
import Fabric
import Hub
import ProgramRunner
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A hub in this process, on a port that the system picked, with a store of its own in a file.
final class TestHub: Sendable {
    let server: HubServer
    let url: String
    let port: Int
    let folder: WorkFolder

    /// Starts one; open unless told otherwise.
    init(
        isOpen: Bool = true, in folder: WorkFolder? = nil, _ change: (inout HubConfiguration) -> Void = { _ in }
    ) async throws {
        let folder = try folder ?? WorkFolder()
        var configuration = HubConfiguration(store: folder.path("hub.sqlite"))
        configuration.port = 0
        configuration.isOpen = isOpen
        configuration.limits.reserve = 0
        configuration.limits.requestsPerSecond = 0
        change(&configuration)
        self.folder = folder
        server = HubServer(configuration: configuration)
        let address = try await server.start()
        url = address.description
        port = address.port
    }

    /// Stops it.
    func stop() async { await server.stop(within: .seconds(5)) }

    /// What a signed request is for.
    var host: String { "127.0.0.1:\(port)" }
}

/// An answer, as a test looks at it.
struct TestAnswer: Sendable {
    let status: Int
    let headers: [String: String]
    let body: Data

    /// The body as JSON.
    var json: JSONValue { (try? JSONValue(parsing: Array(body))) ?? .null }
    subscript(_ key: String) -> JSONValue? { json[key] }
    var code: String? { json["code"]?.text }
    var detail: String? { json["detail"]?.text }
}

/// Somebody with a key.
struct TestAgent: Sendable {
    let name: String
    let key: SigningKey

    init(_ name: String) throws {
        self.name = name
        key = try SigningKey.generate()
    }

    init(_ name: String, key: SigningKey) {
        self.name = name
        self.key = key
    }

    /// The headers that sign a request.
    func headers(
        _ method: String, _ target: String, _ body: [UInt8], host: String, at date: Timestamp = .now()
    ) -> [String: String] {
        let signature = RequestSignature(
            of: RequestSignature.Request(method: method, host: host, target: target, body: Digest(of: body)),
            by: name, with: key, at: date)
        return Dictionary(uniqueKeysWithValues: signature.headers.map { ($0.name, $0.value) })
    }
}

extension TestHub {
    /// Makes a request.
    func ask(
        _ method: String, _ target: String, _ body: JSONValue? = nil, bytes: [UInt8]? = nil,
        headers: [String: String] = [:], by agent: TestAgent? = nil
    ) async throws -> TestAnswer {
        let content = bytes ?? body.map { Array($0.text(.compact).utf8) } ?? []
        var all = headers
        if let agent { all.merge(agent.headers(method, target, content, host: host)) { $1 } }
        var request = URLRequest(url: try #require(URL(string: url + target)), timeoutInterval: 90)
        request.httpMethod = method
        for (name, value) in all { request.setValue(value, forHTTPHeaderField: name) }
        if body != nil { request.setValue("application/json", forHTTPHeaderField: "Content-Type") }
        if !content.isEmpty { request.httpBody = Data(content) }
        let (data, response) = try await Self.session.data(for: request)
        let answer = try #require(response as? HTTPURLResponse)
        var fields: [String: String] = [:]
        for (name, value) in answer.allHeaderFields { fields["\(name)".lowercased()] = "\(value)" }
        return TestAnswer(status: answer.statusCode, headers: fields, body: data)
    }

    private static let session = {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.httpMaximumConnectionsPerHost = 200
        return URLSession(configuration: configuration)
    }()

    /// `GET`.
    func get(_ target: String, by agent: TestAgent? = nil) async throws -> TestAnswer {
        try await ask("GET", target, by: agent)
    }

    /// `POST` of a JSON object.
    func post(
        _ target: String, _ body: JSONValue, headers: [String: String] = [:], by agent: TestAgent? = nil
    ) async throws -> TestAnswer {
        try await ask("POST", target, body, headers: headers, by: agent)
    }

    /// Opens a channel, and returns its id.
    func open(
        from agent: String = "alice", to target: String = "bob", intent: String = "continuityd:inbox",
        metadata: JSONValue = [:], by signer: TestAgent? = nil
    ) async throws -> String {
        let answer = try await post(
            "/api/mux/open",
            ["agent": .text(agent), "target": .text(target), "intent": .text(intent), "metadata": metadata],
            by: signer)
        try #require(answer.status == 200, "\(answer)")
        return try #require(answer["channel_id"]?.text)
    }

    /// Sends a frame, and returns the answer.
    @discardableResult
    func send(_ payload: JSONValue, on channel: String, by signer: TestAgent? = nil) async throws -> TestAnswer {
        try await post("/api/mux/send", ["channel_id": .text(channel), "payload": payload], by: signer)
    }

    /// Pushes a message, and returns its id.
    @discardableResult
    func push(
        _ content: String, from: String = "alice", to: String = "bob", type: String = "PUSH",
        metadata: JSONValue = [:]
    ) async throws -> String {
        let answer = try await post(
            "/api/ipoll/push",
            [
                "from_agent": .text(from), "to_agent": .text(to), "content": .text(content),
                "poll_type": .text(type), "metadata": metadata,
            ])
        try #require(answer.status == 200, "\(answer)")
        return try #require(answer["id"]?.text)
    }

    /// Registers an agent with its key.
    func register(_ agent: TestAgent) async throws {
        let answer = try await post(
            "/api/ains/register", ["agent": .text(agent.name), "public_key": .text(agent.key.publicKey.hex)],
            by: agent)
        try #require(answer.status == 201, "\(answer)")
    }
}
