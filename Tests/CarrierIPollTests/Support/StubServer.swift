import Fabric
import Foundation
import ProgramRunner
import Synchronization

/// A server of mailboxes that answers as a test says, on a thread per connection. Stopped with the value.
final class StubServer: Sendable {
    /// A request as it came.
    struct Request: Sendable {
        let method: String
        /// Path and query, as they were sent.
        let target: String
        /// The header fields, names in lower case.
        let headers: [String: String]
        let body: [UInt8]

        var path: String { String(target.prefix { $0 != "?" }) }
        var json: JSONValue? { try? JSONValue(parsing: body) }
    }

    /// What a request gets.
    struct Reply: Sendable {
        var status = 200
        var headers: [String] = []
        var body: String

        static func json(_ value: JSONValue, status: Int = 200, headers: [String] = []) -> Reply {
            Reply(status: status, headers: headers, body: value.text(.compact))
        }

        static let notFound = Reply.json(["detail": "Not Found"], status: 404)
    }

    private let listener: LoopbackListener
    private let state: State

    private final class State: Sendable {
        let requests = Mutex<[Request]>([])
        let answer: @Sendable (Request) -> Reply

        init(_ answer: @escaping @Sendable (Request) -> Reply) { self.answer = answer }
    }

    /// What was asked, in order.
    var requests: [Request] { state.requests.withLock { $0 } }

    var port: Int { listener.port }
    var url: String { "http://127.0.0.1:\(port)" }

    init(_ answer: @escaping @Sendable (Request) -> Reply) {
        let state = State(answer)
        self.state = state
        listener = LoopbackListener { Self.serve($0, state) }
    }

    private static func serve(_ connection: Int32, _ state: State) {
        defer { close(connection) }
        var buffer: [UInt8] = []
        while let request = readRequest(connection, &buffer) {
            state.requests.withLock { $0.append(request) }
            let reply = state.answer(request)
            let head = ["HTTP/1.1 \(reply.status) X", "Content-Length: \(reply.body.utf8.count)"] + reply.headers
            guard LoopbackListener.write(head.joined(separator: "\r\n") + "\r\n\r\n" + reply.body, to: connection)
            else { return }
        }
    }

    /// The next request; nil at the end. `buffer` holds what was read beyond it.
    private static func readRequest(_ connection: Int32, _ buffer: inout [UInt8]) -> Request? {
        let end = Array("\r\n\r\n".utf8)
        var searched = 0
        while true {
            if buffer.count >= end.count {
                let places = max(0, searched - 3)...(buffer.count - end.count)
                if let place = places.first(where: { buffer[$0..<$0 + end.count].elementsEqual(end) }) {
                    return readBody(connection, &buffer, headEnd: place)
                }
            }
            searched = buffer.count
            guard fill(&buffer, from: connection) else { return nil }
        }
    }

    private static func readBody(_ connection: Int32, _ buffer: inout [UInt8], headEnd: Int) -> Request? {
        let lines = String(decoding: buffer[..<headEnd], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ").map(String.init)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        let count = headers["content-length"].flatMap { Int($0) } ?? 0
        while buffer.count < headEnd + 4 + count {
            guard fill(&buffer, from: connection) else { return nil }
        }
        let body = Array(buffer[(headEnd + 4)..<(headEnd + 4 + count)])
        buffer.removeFirst(headEnd + 4 + count)
        return Request(method: words[0], target: words[1], headers: headers, body: body)
    }

    private static func fill(_ buffer: inout [UInt8], from connection: Int32) -> Bool {
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(connection, &bytes, bytes.count, 0)
        guard count > 0 else { return false }
        buffer += bytes[..<count]
        return true
    }
}
