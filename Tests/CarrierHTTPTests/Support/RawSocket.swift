import Foundation
import ProgramRunner

/// A TCP connection without any idea of HTTP. Every wait ends after a minute, which only a failure
/// takes.
final class RawSocket: @unchecked Sendable {
    private let descriptor: Int32
    private var pending: [UInt8] = []

    /// The descriptor, for calls that are not here.
    var handle: Int32 { descriptor }

    init(port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = loopback(port)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(result == 0, "cannot connect to a test server")
        limitWaits()
    }

    init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        limitWaits()
    }

    deinit { close(descriptor) }

    private func limitWaits() {
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Returns false when the other side is gone.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var done = 0
        while done < bytes.count {
            let put = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
            }
            guard put > 0 else { return false }
            done += put
        }
        return true
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    func halfClose() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes closing send a reset.
    func resetOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// Some bytes; empty at the end, or when nothing comes.
    func receive(_ most: Int = 65536) -> [UInt8] {
        if !pending.isEmpty {
            defer { pending = [] }
            return pending
        }
        var buffer = [UInt8](repeating: 0, count: most)
        let got = recv(descriptor, &buffer, most, 0)
        return got > 0 ? Array(buffer[..<got]) : []
    }

    /// Everything up to and including the first empty line.
    func receiveHead() -> String {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = bytes.firstRange(of: end) {
                pending = Array(bytes[range.upperBound...])
                return String(decoding: bytes[..<range.upperBound], as: UTF8.self)
            }
            let more = receive()
            if more.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += more
        }
    }

    /// Throws `count` bytes away.
    func skip(_ count: Int) {
        var left = count
        while left > 0 {
            let bytes = receive(min(left, 65536))
            if bytes.isEmpty { return }
            left -= bytes.count
        }
    }

    /// One answer, with as many bytes of body as it announces.
    func readAnswer() -> RawAnswer {
        var head = receiveHead()
        while head.hasPrefix("HTTP/1.1 100") { head = receiveHead() }
        var answer = RawAnswer(head: head, body: "")
        var body: [UInt8] = []
        let length = answer["Content-Length"].flatMap { Int($0) } ?? 0
        while body.count < length {
            let more = receive()
            if more.isEmpty { break }
            body += more
        }
        answer.body = String(decoding: body, as: UTF8.self)
        return answer
    }

    /// Whether the other side closes, now or soon.
    func isClosedByPeer() -> Bool {
        while true {
            var byte: UInt8 = 0
            let got = recv(descriptor, &byte, 1, 0)
            if got == 0 || (got < 0 && errno == ECONNRESET) { return true }
            if got < 0, errno != EINTR { return false }
        }
    }
}

/// An answer as it came.
struct RawAnswer: Sendable {
    var head: String
    var body: String

    /// 0 when nothing came.
    var status: Int { head.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0 }

    subscript(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name.lowercased() {
                return parts[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return nil
    }
}

func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
}

/// A server that does what a test says with each connection, on a thread per connection.
final class RawServer: Sendable {
    private let listener: LoopbackListener

    init(_ script: @escaping @Sendable (RawSocket) -> Void) {
        listener = LoopbackListener { script(RawSocket(adopting: $0)) }
    }

    var port: Int { listener.port }
    var url: String { "http://127.0.0.1:\(port)" }
}

extension RawSocket {
    /// Reads nothing until the other side has gone.
    func isIdleUntilClosed() -> Bool {
        // POLLRDHUP, which Glibc hides.
        var entry = pollfd(fd: handle, events: 0x2000, revents: 0)
        return poll(&entry, 1, 20_000) > 0
    }
}
