internal import CSSH2
internal import Dispatch
internal import Fabric
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A connection that bytes can go over: a socket, or the standard streams of a proxy.
final class Link: Sendable {
    let socket: Descriptor
    private let proxy: ChildProcess?
    private let complaints: Descriptor?

    private init(socket: Descriptor, proxy: ChildProcess? = nil, complaints: Descriptor? = nil) {
        self.socket = socket
        self.proxy = proxy
        self.complaints = complaints
    }

    /// The last line that the proxy wrote to its standard error, if there is a proxy and it did.
    var complaint: String? {
        guard let complaints else { return nil }
        var bytes: [UInt8] = []
        _ = complaints.readAll(into: &bytes, atMost: 1 << 16, before: .now + .milliseconds(200))
        return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).last.map {
            String($0.prefix(300))
        }
    }

    /// Starts a proxy, whose standard input and output are the connection.
    static func proxy(_ command: [String]) throws(SystemFailure) -> Link {
        let (here, there) = try Descriptor.socketPair()
        let complaints = try Descriptor.pipe()
        // A proxy that complains without end is not to be held up by a reader who does not come.
        complaints.write.makeNonBlocking()
        let child = try ChildProcess(
            command, input: there.number, output: there.number, errors: complaints.write.number)
        return Link(socket: here, proxy: child, complaints: complaints.read)
    }

    /// Connects to a host by TCP, address after address, within `limit` in all. Blocks.
    static func tcp(
        host: String, port: Int, limit: Duration, isCancelled: () -> Bool
    ) throws(SSHFailure) -> Link {
        let deadline = ContinuousClock.now + limit
        let found = try Resolution.resolve(host: host, port: port, before: deadline, isCancelled: isCancelled)
        var reason = Errno.timedOut
        for (index, address) in found.enumerated() {
            let share = ContinuousClock.now.duration(to: deadline) / (found.count - index)
            switch try connect(to: address, before: .now + share, isCancelled: isCancelled) {
            case .success(let socket):
                tibet_tune_socket(socket.number)
                return Link(socket: socket)
            case .failure(let errno): reason = errno
            }
        }
        throw unreachable(
            host, port, "\(reason)", "check that an SSH server runs there, on that port, and firewalls on the way")
    }

    static func unreachable(_ host: String, _ port: Int, _ why: String, _ remedy: String) -> SSHFailure {
        .explained(
            CarrierError(
                .unreachable, .retry(after: nil), "cannot connect to \(host) port \(port): \(why)", remedy: remedy))
    }

    private static func connect(
        to address: Resolution.Address, before deadline: ContinuousClock.Instant, isCancelled: () -> Bool
    ) throws(SSHFailure) -> Result<Descriptor, Errno> {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = Glibc.socket(address.family, kind, 0)
        guard number >= 0 else { return .failure(Errno(rawValue: errno)) }
        let descriptor = Descriptor(number)
        let result = address.bytes.withUnsafeBytes { raw in
            raw.withMemoryRebound(to: sockaddr.self) { Glibc.connect(number, $0.baseAddress, socklen_t(raw.count)) }
        }
        if result == 0 { return .success(descriptor) }
        guard errno == EINPROGRESS else { return .failure(Errno(rawValue: errno)) }
        while !descriptor.isReady(for: POLLOUT, before: min(deadline, .now + SSHConnection.tick)) {
            if isCancelled() { throw .cancelled }
            if ContinuousClock.now > deadline { return .failure(.timedOut) }
        }
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &length)
        return error == 0 ? .success(descriptor) : .failure(Errno(rawValue: error))
    }
}

/// Looking up the addresses of a host.
enum Resolution {
    struct Address: Sendable {
        let family: Int32
        let bytes: [UInt8]
    }

    /// The addresses of `host`. The look-up itself cannot be hurried, so it has a thread of its own, which is left to
    /// itself when its time is over.
    static func resolve(
        host: String, port: Int, before deadline: ContinuousClock.Instant, isCancelled: () -> Bool
    ) throws(SSHFailure) -> [Address] {
        let answer = Answer()
        DispatchQueue(label: "carrier.scp.resolve").async {
            answer.value.withLock { $0 = look(host, port) }
            answer.isThere.signal()
        }
        while answer.isThere.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
            if isCancelled() { throw .cancelled }
            guard ContinuousClock.now < deadline else {
                throw Link.unreachable(host, port, "the name was not resolved in time", "check the name service")
            }
        }
        let addresses = answer.value.withLock { $0 }
        guard !addresses.isEmpty else {
            throw Link.unreachable(host, port, "the name cannot be resolved", "check the name of the host")
        }
        return addresses
    }

    private final class Answer: Sendable {
        let value = Mutex<[Address]>([])
        let isThere = DispatchSemaphore(value: 0)
    }

    private static func look(_ host: String, _ port: Int) -> [Address] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [Address] = []
        var next = list
        while let entry = next?.pointee {
            let bytes = UnsafeRawBufferPointer(start: entry.ai_addr, count: Int(entry.ai_addrlen))
            addresses.append(Address(family: entry.ai_family, bytes: Array(bytes)))
            next = entry.ai_next
        }
        return addresses
    }
}
