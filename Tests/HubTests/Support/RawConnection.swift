import Fabric
import Foundation
import Glibc

/// A TCP connection without any idea of HTTP. Every wait ends after half a minute, which only a failure takes, and is done
/// on a thread of its own: the tasks' threads are those of the hub that is to answer.
final class RawConnection: @unchecked Sendable {
    // @unchecked: used by one test at a time; the descriptor never changes.
    private let descriptor: Int32
    private var pending: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw CocoaError(.fileReadUnknown) }
        var limit = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { Glibc.close(descriptor) }

    /// Ends it in both directions.
    func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return }
            rest = rest.dropFirst(sent)
        }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Exactly so many bytes; fewer at the end of the connection.
    func read(_ count: Int) async -> [UInt8] {
        await BlockingCall.run { [self] _ in
            while pending.count < count, receive() {}
            defer { pending.removeFirst(min(count, pending.count)) }
            return Array(pending.prefix(count))
        }
    }

    /// Everything up to and with `mark`.
    func read(through mark: String) async -> String {
        await BlockingCall.run { [self] _ in
            let mark = Array(mark.utf8)
            while true {
                if let range = pending.firstRange(of: mark) {
                    defer { pending.removeFirst(range.upperBound) }
                    return String(decoding: pending[..<range.upperBound], as: UTF8.self)
                }
                guard receive() else {
                    defer { pending = [] }
                    return String(decoding: pending, as: UTF8.self)
                }
            }
        }
    }

    /// Everything until the other side ends.
    func readAll() async -> String {
        await BlockingCall.run { [self] _ in
            while receive() {}
            return String(decoding: pending, as: UTF8.self)
        }
    }

    private func receive() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let got = recv(descriptor, &buffer, buffer.count, 0)
        guard got > 0 else { return false }
        pending += buffer[..<got]
        return true
    }
}

/// The client's end of a WebSocket, as small as can be.
final class RawSocketClient: Sendable {
    let connection: RawConnection

    /// Connects and shakes hands; the status line and the header say how that went.
    init(port: Int, target: String, headers: [String: String] = [:]) async throws {
        connection = try RawConnection(port: port)
        let extra = headers.map { "\($0): \($1)\r\n" }.joined()
        connection.send(
            "GET \(target) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(extra)\r\n")
        head = await connection.read(through: "\r\n\r\n")
    }

    /// The answer to the handshake.
    let head: String

    /// Sends one masked frame.
    func send(_ bytes: [UInt8], opcode: UInt8 = 1) {
        var frame: [UInt8] = [0x80 | opcode]
        switch bytes.count {
        case ..<126: frame.append(0x80 | UInt8(bytes.count))
        case ..<65_536: frame += [0x80 | 126, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)]
        default:
            frame.append(0x80 | 127)
            for shift in stride(from: 56, through: 0, by: -8) { frame.append(UInt8(bytes.count >> shift & 0xff)) }
        }
        let mask: [UInt8] = [1, 2, 3, 4]
        frame += mask
        frame += bytes.enumerated().map { $1 ^ mask[$0 % 4] }
        connection.send(frame)
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// The next frame that is no ping: its kind and its content; kind 0 at the end.
    func next() async -> (opcode: UInt8, bytes: [UInt8]) {
        while true {
            let head = await connection.read(2)
            guard head.count == 2 else { return (0, []) }
            var length = Int(head[1] & 0x7f)
            if length == 126 { length = await connection.read(2).reduce(0) { $0 << 8 | Int($1) } }
            if length == 127 { length = await connection.read(8).reduce(0) { $0 << 8 | Int($1) } }
            let bytes = await connection.read(length)
            if head[0] & 0x0f != 9 { return (head[0] & 0x0f, bytes) }
        }
    }

    /// The text of the next frame.
    func text() async -> String { String(decoding: await next().bytes, as: UTF8.self) }
}
