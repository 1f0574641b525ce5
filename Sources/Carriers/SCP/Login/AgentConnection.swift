internal import CSSH2
internal import Fabric
internal import Glibc

/// A conversation with an agent (draft-miller-ssh-agent). Of our own, because libssh2's waits without end for an agent
/// that does not answer.
final class AgentConnection {
    private let socket: Descriptor
    private let patience: Duration

    private enum Message {
        static let requestIdentities: UInt8 = 11
        static let identities: UInt8 = 12
        static let signRequest: UInt8 = 13
        static let signature: UInt8 = 14
    }

    /// No agent that is one answers with more.
    private static let largestAnswer: UInt32 = 256 << 10

    /// Connects to the agent at `path`; nil when there is none.
    init?(path: String, patience: Duration) {
        self.patience = patience
        let bytes = Array(path.utf8)
        var address = sockaddr_un()
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        let number = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return nil }
        socket = Descriptor(number)
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { return nil }
        socket.makeNonBlocking()
    }

    /// The public keys that the agent can sign with.
    func keys() -> [HostKey] {
        guard var answer = ask([Message.requestIdentities], expecting: Message.identities),
            let count = answer.uint32()
        else { return [] }
        var keys: [HostKey] = []
        for _ in 0..<min(count, 1000) {
            guard let blob = answer.string(), answer.string() != nil else { break }
            if let key = HostKey(blob: blob) { keys.append(key) }
        }
        return keys
    }

    /// The signature over `data`, without the name of its algorithm; nil when the agent does not sign.
    func signature(by key: HostKey, over data: [UInt8]) -> [UInt8]? {
        let request =
            [Message.signRequest] + WireReader.string(key.blob) + WireReader.string(data) + WireReader.uint32(0)
        guard var answer = ask(request, expecting: Message.signature), let signature = answer.string() else {
            return nil
        }
        var parts = WireReader(signature)
        guard parts.string() != nil else { return nil }
        return parts.string()
    }

    private func ask(_ request: [UInt8], expecting kind: UInt8) -> WireReader? {
        let deadline = ContinuousClock.now + patience
        guard send(WireReader.string(request), before: deadline), let head = receive(4, before: deadline) else {
            return nil
        }
        var lengthReader = WireReader(head)
        guard let count = lengthReader.uint32(), (1...Self.largestAnswer).contains(count),
            let body = receive(Int(count), before: deadline)
        else { return nil }
        var reader = WireReader(body)
        return reader.byte() == kind ? reader : nil
    }

    private func send(_ bytes: [UInt8], before deadline: ContinuousClock.Instant) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard socket.isReady(for: POLLOUT, before: deadline) else { return false }
            let count = rest.withUnsafeBytes {
                Glibc.send(socket.number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR, errno != EAGAIN { return false }
        }
        return true
    }

    private func receive(_ count: Int, before deadline: ContinuousClock.Instant) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: count)
        while bytes.count < count {
            guard socket.isReady(for: POLLIN, before: deadline) else { return nil }
            let got = recv(socket.number, &buffer, count - bytes.count, 0)
            if got == 0 { return nil }
            if got > 0 { bytes += buffer[..<got] } else if errno != EINTR, errno != EAGAIN { return nil }
        }
        return bytes
    }
}
