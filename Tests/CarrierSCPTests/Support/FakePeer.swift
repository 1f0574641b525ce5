import Glibc
import ProgramRunner
import SSHServerRunner
import Synchronization

/// Something on a port of this machine that is no SSH server, or a bad one. Its threads end with its connections.
final class FakePeer: Sendable {
    /// What it does with whoever connects.
    enum Manner: Sendable {
        /// Says nothing, and never closes.
        case silent
        /// Says this over and over.
        case babbling([UInt8])
        /// Says this, and closes.
        case brief([UInt8])
        /// Passes everything on to another port, but after so many bytes only one byte of ours at a time.
        case trickling(to: Int, after: Int)
    }

    let port: Int
    private let listening: Int32
    private let isOver = Atomic(false)
    private let manner: Manner

    init(_ manner: Manner) throws {
        self.manner = manner
        listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = Self.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listening
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard result == 0, listen(descriptor, 8) == 0 else { throw Unexpected(description: "cannot listen") }
        port = Int(in_port_t(bigEndian: address.sin_port))
        Self.thread { self.acceptAll() }
    }

    deinit { close(listening) }

    /// Takes no more connections, and lets go of those that it has.
    func end() {
        isOver.store(true, ordering: .relaxed)
        shutdown(listening, Int32(SHUT_RDWR))
    }

    private static func loopback(port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return address
    }

    private func acceptAll() {
        while true {
            let near = accept(listening, nil, nil)
            guard near >= 0 else { return }
            Self.thread {
                self.serve(near)
                close(near)
            }
        }
    }

    private func serve(_ near: Int32) {
        switch manner {
        case .silent: while !isOver.load(ordering: .relaxed), Self.isOpen(near) {}
        case .babbling(let bytes): while !isOver.load(ordering: .relaxed), Self.send(bytes, to: near) {}
        case .brief(let bytes): _ = Self.send(bytes, to: near)
        case .trickling(let target, let budget): trickle(near, target, budget)
        }
    }

    private func trickle(_ near: Int32, _ target: Int, _ budget: Int) {
        let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(far) }
        var address = Self.loopback(port: target)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(far, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { return }
        var left = budget
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while !isOver.load(ordering: .relaxed) {
            var questions = [near, far].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&questions, 2, 50) >= 0 else { return }
            if questions[1].revents != 0 {
                let count = recv(far, &buffer, buffer.count, 0)
                guard count > 0, Self.send(Array(buffer[..<count]), to: near) else { return }
            }
            if questions[0].revents != 0 {
                let count = recv(near, &buffer, left > 0 ? min(left, buffer.count) : 1, 0)
                guard count > 0, Self.send(Array(buffer[..<count]), to: far) else { return }
                left -= count
                // This is what a trickle is: a little, again and again.
                if left <= 0 { usleep(20_000) }
            }
        }
    }

    /// Waits a little, and says whether the other side is still there.
    private static func isOpen(_ descriptor: Int32) -> Bool {
        var question = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&question, 1, 50) > 0 else { return true }
        var buffer = [UInt8](repeating: 0, count: 4096)
        return recv(descriptor, &buffer, buffer.count, 0) > 0
    }

    private static func send(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        let box = Unmanaged.passRetained(Box(body))
        var id = pthread_t()
        pthread_create(
            &id, nil,
            { context in
                if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, box.toOpaque())
        pthread_detach(id)
    }

    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
