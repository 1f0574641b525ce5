internal import CSSH2
internal import CSpawn
internal import Fabric
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// An open descriptor that closes itself.
final class Descriptor: Sendable {
    let number: Int32
    private let isShut = Atomic(false)

    init(_ number: Int32) { self.number = number }

    deinit { shut() }

    /// Closes it before its time; it must not be used any more.
    func shut() {
        if !isShut.exchange(true, ordering: .relaxed) { close(number) }
    }

    /// Reads to the end. False when more than `limit` bytes came, or the end did not come before `deadline`.
    func readAll(into bytes: inout [UInt8], atMost limit: Int, before deadline: ContinuousClock.Instant) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while isReady(for: POLLIN, before: deadline) {
            let count = read(number, &buffer, buffer.count)
            if count == 0 { return true }
            if count < 0, errno != EINTR, errno != EAGAIN { return false }
            if count > 0 { bytes += buffer[..<count] }
            if bytes.count > limit { return false }
        }
        return false
    }

    /// Reading or writing never waits from now on.
    func makeNonBlocking() { _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK) }

    /// Waits for one of `events` until `deadline`; whether it came.
    func isReady(for events: Int32, before deadline: ContinuousClock.Instant) -> Bool {
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return false }
            var question = pollfd(fd: number, events: Int16(events), revents: 0)
            let result = poll(&question, 1, left.wholeMilliseconds)
            if result > 0 { return true }
            guard result == 0 || errno == EINTR else { return true }
        }
    }

    /// Two ends of a pipe. They are closed on exec from the first, so no child inherits them by accident.
    static func pipe() throws(SystemFailure) -> (read: Descriptor, write: Descriptor) {
        var ends: [Int32] = [0, 0]
        guard tibet_pipe(&ends) == 0 else { throw SystemFailure("cannot make a pipe", Errno(rawValue: errno)) }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }

    static func socketPair() throws(SystemFailure) -> (here: Descriptor, there: Descriptor) {
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard Glibc.socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw SystemFailure("cannot make a pair of sockets", Errno(rawValue: errno))
        }
        return (Descriptor(ends[0]), Descriptor(ends[1]))
    }
}

extension Duration {
    /// In milliseconds, rounded up, as far as a C int goes.
    var wholeMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        let whole = seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
        return Int32(clamping: max(0, whole))
    }

    /// In seconds.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
