import Foundation
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

    let port: Int
    private let descriptor: Int32
    private let state: State

    /// What connections share with the test.
    private final class State: Sendable {
        let paths = Mutex<[String]>([])
        let isStopped = Atomic(false)
        let reply: Mutex<@Sendable (String) -> Reply>

        init(_ reply: @escaping @Sendable (String) -> Reply) { self.reply = Mutex(reply) }
    }

    /// The paths that were asked for.
    var paths: [String] { state.paths.withLock { $0 } }

    var url: String { "http://127.0.0.1:\(port)/api/ains/resolve" }

    init(_ reply: @escaping @Sendable (String) -> Reply) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                precondition(bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0)
                getsockname(descriptor, $0, &length)
            }
        }
        self.descriptor = descriptor
        port = Int(in_port_t(bigEndian: address.sin_port))
        let state = State(reply)
        self.state = state
        Thread {
            while true {
                let connection = accept(descriptor, nil, nil)
                if connection < 0 {
                    // Closed here and nowhere else: its number may be somebody else's from then on.
                    close(descriptor)
                    return
                }
                Thread { Self.serve(connection, state) }.start()
            }
        }.start()
    }

    convenience init(_ reply: Reply) { self.init { _ in reply } }

    deinit { stop() }

    /// Answers otherwise from here on.
    func change(_ reply: Reply) { state.reply.withLock { $0 = { _ in reply } } }

    /// From here on nobody listens.
    func stop() {
        if !state.isStopped.exchange(true, ordering: .acquiringAndReleasing) {
            shutdown(descriptor, Int32(SHUT_RDWR))
        }
    }

    private static func serve(_ connection: Int32, _ state: State) {
        defer { close(connection) }
        while let path = readRequest(connection) {
            state.paths.withLock { $0.append(path) }
            switch state.reply.withLock({ $0 })(path) {
            case .answer(let status, let headers, let body):
                let head = ["HTTP/1.1 \(status) X", "Content-Length: \(body.utf8.count)"] + headers
                write(head.joined(separator: "\r\n") + "\r\n\r\n" + body, to: connection)
            case .raw(let text):
                write(text, to: connection)
                return
            case .silence(let text):
                write(text, to: connection)
                while readRequest(connection) != nil {}
                return
            case .flood:
                write("HTTP/1.1 200 OK\r\n\r\n", to: connection)
                while write(String(repeating: "[", count: 65536), to: connection) {}
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

    @discardableResult
    private static func write(_ text: String, to connection: Int32) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let put = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard put > 0 else { return false }
            rest = rest.dropFirst(put)
        }
        return true
    }
}
