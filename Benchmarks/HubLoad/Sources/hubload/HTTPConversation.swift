/// Requests one after the other over one connection, as any HTTP client would make them.
final class HTTPConversation {
    private let connection: Connection
    private let host: String

    init(_ server: Server) throws(LoadFailure) {
        connection = try Connection(host: server.host, port: server.port)
        host = "\(server.host):\(server.port)"
    }

    /// Sends a request without waiting for its answer.
    func send(_ method: String, _ target: String, _ body: [UInt8] = []) throws(LoadFailure) {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: hubload\r\n"
        if method != "GET" { head += "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n" }
        head += "\r\n"
        try connection.write(head.utf8 + body)
    }

    /// Sends a request and returns the body of the answer, which has to be a success.
    func request(_ method: String, _ target: String, _ body: [UInt8] = []) throws(LoadFailure) -> [UInt8] {
        try send(method, target, body)
        return try answer()
    }

    /// The body of the next answer, which has to be a success.
    func answer() throws(LoadFailure) -> [UInt8] {
        let status = try connection.line()
        var length = 0
        var isChunked = false
        while true {
            let line = try connection.line().lowercased()
            if line.isEmpty { break }
            if line.hasPrefix("content-length:") { length = Int(line.dropFirst(15).filter(\.isNumber)) ?? 0 }
            if line.hasPrefix("transfer-encoding:") { isChunked = line.contains("chunked") }
        }
        let body = isChunked ? try chunks() : try connection.read(length)
        guard status.split(separator: " ").dropFirst().first?.hasPrefix("2") == true else {
            throw LoadFailure("\(status): \(String(decoding: body, as: UTF8.self))")
        }
        return body
    }

    private func chunks() throws(LoadFailure) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let size = Int(try connection.line(), radix: 16) ?? 0
            body += try connection.read(size)
            _ = try connection.line()
            if size == 0 { return body }
        }
    }
}

/// Where a server listens.
struct Server: Sendable {
    let host: String
    let port: Int

    init(_ text: String) throws(LoadFailure) {
        let parts = text.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { throw LoadFailure("'\(text)' is no HOST:PORT") }
        host = String(parts[0])
        self.port = port
    }
}
