import Foundation
import ProgramRunner
import Synchronization

/// A name service that answers each connection as a test says, on a thread per connection. Stopped with the value.
final class StubService: Sendable {
    /// What a connection gets for its request.
    enum Reply: Sendable {
        /// A well-formed answer.
        case answer(Int, [String], String)
        /// These bytes, and the end of the connection.
        case raw(String)
        /// These bytes, and then nothing, for as long as the other side waits.
        case silence(String = "")
        /// An answer without end.
        case flood

        /// A well-formed answer of success.
        static func body(_ text: String) -> Reply { .answer(200, [], text) }
    }

    private let listener: LoopbackListener
    private let state: State

    /// What connections share with the test.
    private final class State: Sendable {
        let paths = Mutex<[String]>([])
        let reply: Mutex<@Sendable (String) -> Reply>

        init(_ reply: @escaping @Sendable (String) -> Reply) { self.reply = Mutex(reply) }
    }

    /// The paths that were asked for.
    var paths: [String] { state.paths.withLock { $0 } }

    var port: Int { listener.port }
    var url: String { "http://127.0.0.1:\(port)/api/ains/resolve" }

    init(_ reply: @escaping @Sendable (String) -> Reply) {
        let state = State(reply)
        self.state = state
        listener = LoopbackListener { Self.serve($0, state) }
    }

    convenience init(_ reply: Reply) { self.init { _ in reply } }

    /// Answers otherwise from here on.
    func change(_ reply: Reply) { state.reply.withLock { $0 = { _ in reply } } }

    /// From here on nobody listens.
    func stop() { listener.stop() }

    private static func serve(_ connection: Int32, _ state: State) {
        defer { close(connection) }
        while let path = readRequest(connection) {
            state.paths.withLock { $0.append(path) }
            switch state.reply.withLock({ $0 })(path) {
            case .answer(let status, let headers, let body):
                let head = ["HTTP/1.1 \(status) X", "Content-Length: \(body.utf8.count)"] + headers
                LoopbackListener.write(head.joined(separator: "\r\n") + "\r\n\r\n" + body, to: connection)
            case .raw(let text):
                LoopbackListener.write(text, to: connection)
                return
            case .silence(let text):
                LoopbackListener.write(text, to: connection)
                while readRequest(connection) != nil {}
                return
            case .flood:
                LoopbackListener.write("HTTP/1.1 200 OK\r\n\r\n", to: connection)
                while LoopbackListener.write(String(repeating: "[", count: 65536), to: connection) {}
                return
            }
        }
    }

    /// The path of the next request; nil at the end.
    private static func readRequest(_ connection: Int32) -> String? {
        var bytes: [UInt8] = []
        while bytes.suffix(4) != Array("\r\n\r\n".utf8)[...] {
            var byte: UInt8 = 0
            guard recv(connection, &byte, 1, 0) == 1 else { return nil }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: " ").dropFirst().first.map(String.init)
    }
}
