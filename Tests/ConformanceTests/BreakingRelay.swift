import CarrierConformance
import Foundation
import Glibc
import Synchronization

/// Stands between a sender and an inbox on this machine, and breaks the connection in the way that a case asks for.
final class BreakingRelay: Sendable {
    let port: Int

    private let listening: Int32
    private let state: Mutex<State>
    private let hasAll: (@Sendable () -> Bool)?

    private struct State: Sendable {
        var target: Int
        var breakage: Breakage?
    }

    /// Passes bytes on to `target`.
    ///
    /// - Parameter hasAll: Whether the far side has the whole envelope, so that what it says now is the answer. Needed
    ///   where it says something while bytes come; in other protocols the first word after many bytes is the answer.
    init(to target: Int, hasAll: (@Sendable () -> Bool)? = nil) throws {
        self.hasAll = hasAll
        state = Mutex(State(target: target))
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        // Small, so that a sender notices soon that nobody takes anything.
        var small: Int32 = 1 << 16
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &small, socklen_t(MemoryLayout<Int32>.size))
        var address = Self.loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else { throw MissingPower("no port can be had") }
        listening = descriptor
        port = Int(in_port_t(bigEndian: address.sin_port))
        Thread.detachNewThread { [listening] in
            while true {
                let near = accept(listening, nil, nil)
                guard near >= 0 else { break }
                self.serve(near)
            }
            Glibc.close(listening)
        }
    }

    func retarget(to port: Int) { state.withLock { $0.target = port } }

    func suffer(_ breakage: Breakage?) { state.withLock { $0.breakage = breakage } }

    /// Takes no more connections.
    func close() { shutdown(listening, Int32(SHUT_RDWR)) }

    private static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    private func serve(_ near: Int32) {
        let (target, breakage) = state.withLock { ($0.target, $0.breakage) }
        let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = Self.loopback(target)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(far, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        let passage = Passage(near: near, far: far)
        guard isConnected, breakage != .absent else { return passage.cut() }
        if breakage == .closesAtOnce || breakage == .speaksAnother {
            if breakage == .speaksAnother { _ = passage.send(Array("220 mail.example ESMTP\r\n".utf8)[...], to: near) }
            shutdown(far, Int32(SHUT_RDWR))
            shutdown(near, Int32(SHUT_WR))
            // What the sender has said is read, so that what was said here is not lost to a reset.
            Thread.detachNewThread { passage.readAll() }
            return
        }
        Thread.detachNewThread { self.passUp(passage) }
        Thread.detachNewThread { self.passDown(passage) }
    }

    /// From the sender to the inbox.
    private func passUp(_ passage: Passage) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let breakage = state.withLock { $0.breakage }
            let isTrickling = breakage == .trickles && passage.sent >= 1 << 20
            let count = recv(passage.near, &buffer, isTrickling ? 16 : buffer.count, 0)
            guard count > 0 else { break }
            // Connections that were made before are of no use either.
            if let now = state.withLock({ $0.breakage }), [.absent, .closesAtOnce, .speaksAnother].contains(now) {
                return passage.cut()
            }
            if isTrickling { usleep(100_000) }
            if breakage == .slow { usleep(5000) }
            guard passage.send(buffer[..<count], to: passage.far) else { break }
            passage.noteSent(count)
            if breakage == .diesMidway, passage.sent >= 4 << 20 {
                // It stays away, whoever comes by another connection.
                suffer(.absent)
                return passage.cut()
            }
        }
        shutdown(passage.far, Int32(SHUT_WR))
    }

    /// From the inbox to the sender.
    private func passDown(_ passage: Passage) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var isSilent = false
        while true {
            let count = recv(passage.far, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            let hasSentMuch = passage.takeSentSinceAnswer() > 1 << 16
            let breakage = state.withLock { $0.breakage }
            if breakage == .answersLate { usleep(100_000) }
            // The rest of an answer may come by itself.
            if isSilent, breakage == .neverAnswers { continue }
            if breakage != nil, hasAll?() ?? hasSentMuch {
                switch breakage {
                case .diesBeforeAnswering: return passage.cut()
                case .neverAnswers:
                    isSilent = true
                    continue
                case .answersGarbage:
                    _ = passage.send(Array("\u{1}\u{2} no answer\r\n\r\n".utf8)[...], to: passage.near)
                    return passage.cut()
                default: break
                }
            }
            guard passage.send(buffer[..<count], to: passage.near) else { break }
        }
        shutdown(passage.near, Int32(SHUT_WR))
    }
}

/// One connection through a relay. Its sockets are closed when nobody uses them any more.
private final class Passage: Sendable {
    let near: Int32
    let far: Int32
    private let counts = Mutex((all: 0, sinceAnswer: 0))

    init(near: Int32, far: Int32) { (self.near, self.far) = (near, far) }

    deinit {
        close(near)
        close(far)
    }

    var sent: Int { counts.withLock { $0.all } }

    func noteSent(_ count: Int) {
        counts.withLock { counts in
            counts.all += count
            counts.sinceAnswer += count
        }
    }

    func takeSentSinceAnswer() -> Int {
        counts.withLock { counts in
            defer { counts.sinceAnswer = 0 }
            return counts.sinceAnswer
        }
    }

    /// Reads what the sender says until it closes.
    func readAll() {
        var buffer = [UInt8](repeating: 0, count: 1 << 12)
        while recv(near, &buffer, buffer.count, 0) > 0 {}
    }

    /// Breaks both sides at once, the sender's with a reset.
    func cut() {
        var nowhere = sockaddr()
        nowhere.sa_family = sa_family_t(AF_UNSPEC)
        _ = connect(near, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
        shutdown(far, Int32(SHUT_RDWR))
    }

    func send(_ bytes: ArraySlice<UInt8>, to sink: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
