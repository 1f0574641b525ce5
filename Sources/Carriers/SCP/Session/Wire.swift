internal import CSSH2
internal import Glibc

/// The bytes between a session and its host. libssh2 sends and receives through here, so that a peer that never stops
/// sending cannot keep it busy past a deadline, and so that what really moved can be counted.
///
/// @unchecked: used by one thread at a time, the one that drives the session.
final class Wire: @unchecked Sendable {
    /// What made the wire refuse to go on.
    enum Interruption { case cancelled, overdue }

    private let socket: Descriptor
    /// Who may cancel.
    var caller: CancellationFlag
    /// When the present call must be over.
    var deadline = ContinuousClock.now
    /// The number of bytes that the system has taken.
    private(set) var sent: Int64 = 0
    /// The first bytes that came, in which the host says in the clear what it can do.
    private(set) var opening: [UInt8] = []
    /// Why the wire refused; nil while it did not.
    private(set) var interruption: Interruption?
    private var isCut = false

    private static let openingSize = 16 << 10

    /// How long after the deadline the wire refuses. Whoever waits between calls notices the deadline before that, and
    /// leaves a session that can still be used.
    private static let grace = Duration.seconds(1)

    init(_ socket: Descriptor, caller: CancellationFlag) {
        self.socket = socket
        self.caller = caller
        socket.makeNonBlocking()
    }

    /// From now on everything fails at once: the session is only to be freed.
    func cut() { isCut = true }

    /// Waits until the socket is ready, for at most `limit`.
    func wait(reading: Bool, writing: Bool, limit: Duration) {
        var question = pollfd(fd: socket.number, events: 0, revents: 0)
        if reading || !writing { question.events |= Int16(POLLIN) }
        if writing { question.events |= Int16(POLLOUT) }
        _ = poll(&question, 1, limit.wholeMilliseconds)
    }

    /// Whether the far side has said, or closed, something while nobody asked.
    var hasNews: Bool {
        var question = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        return poll(&question, 1, 0) != 0
    }

    /// Whether going on is refused, by the caller or by the clock.
    private func isInterrupted() -> Bool {
        if caller.isSet { interruption = .cancelled } else if .now > deadline + Self.grace { interruption = .overdue }
        return interruption != nil
    }

    fileprivate func send(_ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        if isCut || isInterrupted() { return -Int(EPIPE) }
        let result = Glibc.send(socket.number, bytes, count, Int32(MSG_NOSIGNAL))
        if result < 0 { return errno == EINTR ? -Int(EAGAIN) : -Int(errno) }
        sent += Int64(result)
        return result
    }

    fileprivate func receive(_ bytes: UnsafeMutableRawPointer?, _ count: Int) -> Int {
        if isCut || isInterrupted() { return -Int(ECONNABORTED) }
        let result = recv(socket.number, bytes, count, 0)
        if result < 0 { return errno == EINTR ? -Int(EAGAIN) : -Int(errno) }
        if opening.count < Self.openingSize {
            opening += UnsafeRawBufferPointer(start: bytes, count: result).prefix(Self.openingSize - opening.count)
        }
        return result
    }

    /// Makes `session`, whose abstract is this wire, use it.
    func attach(to session: OpaquePointer) {
        tibet_ssh2_set_wire(
            session,
            { _, bytes, count, _, abstract in
                guard let wire = Wire.from(abstract) else { return -Int(EPIPE) }
                return wire.send(bytes, count)
            },
            { _, bytes, count, _, abstract in
                guard let wire = Wire.from(abstract) else { return -Int(ECONNABORTED) }
                return wire.receive(bytes, count)
            })
    }

    private static func from(_ abstract: UnsafeMutablePointer<UnsafeMutableRawPointer?>?) -> Wire? {
        guard let pointer = abstract?.pointee else { return nil }
        return Unmanaged<Wire>.fromOpaque(pointer).takeUnretainedValue()
    }
}
