import Glibc

/// One TCP connection of one thread, with blocking reads and writes.
final class Connection {
    private let descriptor: Int32
    private var buffer: [UInt8] = Array(repeating: 0, count: 1 << 16)
    private var start = 0
    private var end = 0

    init(host: String, port: Int) throws(LoadFailure) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw LoadFailure("no socket: \(errno)") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else {
            throw LoadFailure("'\(host)' is no IPv4 address")
        }
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw LoadFailure("cannot connect to \(host):\(port): \(errno)") }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit { close(descriptor) }

    /// Reading ends with `nothingCame` when that many seconds go by.
    func losePatience(after seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    func write(_ bytes: [UInt8]) throws(LoadFailure) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress! + done, $0.count - done, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw LoadFailure("the connection broke while writing: \(errno)") }
            done += count
        }
    }

    /// The next line without its end.
    func line() throws(LoadFailure) -> String {
        while true {
            let place = buffer.withUnsafeBytes { Scan.place(of: 0x0a, in: .init(rebasing: $0[..<end]), from: start) }
            if let at = place {
                let line = String(decoding: buffer[start..<at], as: UTF8.self)
                start = at + 1
                return line.hasSuffix("\r") ? String(line.dropLast()) : line
            }
            try fill()
        }
    }

    /// Exactly that many bytes.
    func read(_ count: Int) throws(LoadFailure) -> [UInt8] {
        let there = min(count, end - start)
        var bytes = Array(buffer[start..<start + there])
        start += there
        guard there < count else { return bytes }
        bytes.append(contentsOf: repeatElement(0, count: count - there))
        var done = there
        while done < count {
            done += try receive(&bytes, from: done)
        }
        return bytes
    }

    private func fill() throws(LoadFailure) {
        if start > 0 {
            buffer.withUnsafeMutableBytes { _ = memmove($0.baseAddress!, $0.baseAddress! + start, end - start) }
            end -= start
            start = 0
        }
        if end == buffer.count { buffer.append(contentsOf: repeatElement(0, count: buffer.count)) }
        end += try receive(&buffer, from: end)
    }

    /// Receives into `bytes` behind the first `offset` of them, and tells how many came.
    private func receive(_ bytes: inout [UInt8], from offset: Int) throws(LoadFailure) -> Int {
        let count = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + offset, $0.count - offset, 0) }
        if count < 0, errno == EAGAIN { throw LoadFailure.nothingCame }
        guard count > 0 else { throw LoadFailure("the connection broke while reading: \(errno)") }
        return count
    }
}

/// Why no figure came about.
struct LoadFailure: Error, Equatable, CustomStringConvertible {
    static let nothingCame = LoadFailure("nothing came in time")

    let description: String

    init(_ description: String) { self.description = description }
}
