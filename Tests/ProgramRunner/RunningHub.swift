public import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Our own `tcd hub`, over a store in a folder of its own. It is killed when nothing refers to it any more.
public final class RunningHub: Sendable {
    /// The port that it listens on, on 127.0.0.1.
    public let port: Int
    /// The program itself.
    public let program: Program
    /// Where its store is, which outlives it.
    public let folder: WorkFolder

    /// Its address.
    public var url: String { "http://127.0.0.1:\(port)" }
    /// The file that everything is kept in.
    public var store: String { folder.path("hub.sqlite") }

    /// Starts one, and returns when it listens.
    ///
    /// - Parameters:
    ///   - folder: Where its store is, or is to be.
    ///   - arguments: What it is told beside. `--open` unless it is to check who asks.
    public init(in folder: WorkFolder? = nil, _ arguments: [String] = ["--open"], port: Int = 0) async throws {
        self.folder = try folder ?? WorkFolder()
        program = try BuiltProgram.start(
            ["hub", "--json", "--host", "127.0.0.1", "--port", String(port), "--store", self.folder.path("hub.sqlite")]
                + arguments, in: self.folder.url)
        let line = try await program.line(containing: "\"listening\"")
        let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        guard let port = object?["port"] as? Int else { throw Program.Overdue(description: "no port in \(line)") }
        self.port = port
    }

    /// Stops it, and starts another over the same store.
    public func replaced(by arguments: [String] = ["--open"]) async throws -> RunningHub {
        try await program.stop()
        return try await RunningHub(in: folder, arguments)
    }

    /// Asks it for a JSON object.
    public func get(_ path: String) async throws -> [String: Any] { try await ask("GET", path, nil) }

    /// Tells it a JSON object.
    @discardableResult
    public func post(_ path: String, _ body: [String: Any]) async throws -> [String: Any] {
        try await ask("POST", path, try JSONSerialization.data(withJSONObject: body))
    }

    /// Sends it bytes as they are.
    @discardableResult
    public func patch(_ path: String, _ body: Data, headers: [String: String]) async throws -> [String: Any] {
        try await ask("PATCH", path, body, headers: headers)
    }

    private func ask(
        _ method: String, _ path: String, _ body: Data?, headers: [String: String] = [:]
    ) async throws -> [String: Any] {
        guard let address = URL(string: url + path) else { throw URLError(.badURL) }
        var request = URLRequest(url: address)
        request.httpMethod = method
        request.httpBody = body
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = (response as? HTTPURLResponse)?.statusCode ?? 0
        guard (200..<300).contains(status),
            let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        else {
            throw Program.Overdue(
                description: "\(method) \(path): \(status) \(String(decoding: data.prefix(500), as: UTF8.self))")
        }
        return object
    }

    /// Lets so much time go by for what is leased or was released: moves the ends of leases into the past, in the store
    /// under the hub.
    public func passTime(_ duration: Duration) async throws {
        let microseconds = duration.components.seconds * 1_000_000
        let script = """
            import sqlite3, sys
            store = sqlite3.connect(sys.argv[1], timeout=30)
            store.execute("UPDATE item SET due = due - ? WHERE due > 0", (int(sys.argv[2]),))
            store.commit()
            """
        let outcome = try await Program(
            "/usr/bin/env", ["python3", "-c", script, store, String(microseconds)], in: folder.url
        ).outcome()
        guard outcome.status == 0 else { throw Program.Overdue(description: "time does not pass: \(outcome)") }
    }
}
