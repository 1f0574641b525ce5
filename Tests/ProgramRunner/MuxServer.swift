import Foundation

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// A mux server that a test started. It is killed when nothing refers to it any more.
public final class MuxServer: Sendable {
    /// The port that it listens on, on 127.0.0.1.
    public let port: Int
    /// The program itself.
    public let program: Program

    private let folder: WorkFolder

    /// Its address.
    public var url: String { "http://127.0.0.1:\(port)" }

    private init(_ program: Program, port: Int, folder: WorkFolder) {
        (self.program, self.port, self.folder) = (program, port, folder)
    }

    /// The reference server, which holds everything in its memory.
    ///
    /// - Parameter port: Where to listen; nil for any port.
    public static func reference(port: Int? = nil) async throws -> MuxServer {
        let folder = try WorkFolder()
        let port = try port ?? FreePort.find()
        let programs = try await PeerInstallation.programs()
        let program = try Program(
            programs.appendingPathComponent("tibet-mux").path,
            ["serve", "--host", "127.0.0.1", "--port", String(port), "--agent", "node"], in: folder.url,
            environment: ["HOME": folder.url.path, "PYTHONUNBUFFERED": "1"])
        let server = MuxServer(program, port: port, folder: folder)
        let answers = try await Repeated.until(within: .seconds(30)) {
            (try? await server.get("/api/mux/status")) != nil
        }
        guard answers else { throw Program.Overdue(description: "the mux server does not answer: \(program.id)") }
        return server
    }

    /// Asks it for a JSON object.
    public func get(_ path: String) async throws -> [String: Any] { try await ask("GET", path, nil) }

    /// Tells it a JSON object.
    @discardableResult
    public func post(_ path: String, _ body: [String: Any]) async throws -> [String: Any] {
        try await ask("POST", path, try JSONSerialization.data(withJSONObject: body))
    }

    private func ask(_ method: String, _ path: String, _ body: Data?) async throws -> [String: Any] {
        guard let address = URL(string: url + path) else { throw URLError(.badURL) }
        var request = URLRequest(url: address)
        request.httpMethod = method
        request.httpBody = body
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
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
}
