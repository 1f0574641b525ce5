internal import CSSH2
internal import Fabric
internal import Glibc

/// One session with one host. It never blocks in libssh2: every call is repeated, with waiting in between, until it is
/// done, cancelled, or has taken too long.
///
/// @unchecked: used by one thread at a time. What fails in the middle of a call leaves the session in no known state, so
/// whoever sees an error lets the connection go.
final class SSHConnection: @unchecked Sendable {
    let session: OpaquePointer
    let settings: SSHSettings
    /// For how long the far side may leave a request unanswered.
    let patience: Duration
    /// What the host said that it is and can do; nil until the handshake.
    private(set) var offer: ServerOffer?

    private let link: Link
    private let wire: Wire

    /// How long to wait at most before looking whether the caller cancelled.
    static let tick = Duration.milliseconds(50)

    /// A session over `link`. Nothing is said yet.
    init(_ link: Link, _ settings: SSHSettings, patience: Duration, caller: CancellationFlag) throws(SSHFailure) {
        self.link = link
        self.settings = settings
        self.patience = patience
        wire = Wire(link.socket, caller: caller)
        guard let session = tibet_ssh2_session(Unmanaged.passUnretained(wire).toOpaque()) else {
            throw .code(LIBSSH2_ERROR_ALLOC, during: "beginning a session")
        }
        self.session = session
        wire.attach(to: session)
        libssh2_session_set_blocking(session, 0)
    }

    /// Says goodbye without waiting for anybody.
    deinit {
        wire.deadline = .now + Self.tick
        _ = libssh2_session_disconnect_ex(session, 11, "done", "")
        wire.cut()
        // With the wire cut nothing can be left to wait for; a few rounds are for the channels that are open.
        for _ in 0..<100 where libssh2_session_free(session) != LIBSSH2_ERROR_EAGAIN { return }
    }

    /// Who may cancel what the connection does from now on.
    func serve(_ caller: CancellationFlag) { wire.caller = caller }

    /// Whether the far side has closed the connection, or said something that nobody asked for, while nobody used it.
    var hasNews: Bool { wire.hasNews }

    /// The number of bytes that went over the connection so far.
    var bytesSent: Int64 { wire.sent }

    /// What a proxy on the way complained about last.
    var proxyComplaint: String? { link.complaint }

    /// Agrees on algorithms with the host, and lets it prove its key.
    ///
    /// - Returns: The key, whose owner may still be anybody.
    func shakeHands(preferring types: String) throws(SSHFailure) -> HostKey {
        libssh2_session_method_pref(session, LIBSSH2_METHOD_HOSTKEY, types)
        libssh2_session_method_pref(session, LIBSSH2_METHOD_MAC_CS, MACPreference.names)
        libssh2_session_method_pref(session, LIBSSH2_METHOD_MAC_SC, MACPreference.names)
        do throws(SSHFailure) {
            try call("shaking hands") { libssh2_session_handshake(session, link.socket.number) }
        } catch {
            offer = ServerOffer(wire.opening)
            throw error
        }
        offer = ServerOffer(wire.opening)
        var length = 0
        var type: Int32 = 0
        let bytes = libssh2_session_hostkey(session, &length, &type)
        let blob = UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : length)
        guard let key = HostKey(blob: Array(blob)) else {
            throw .code(LIBSSH2_ERROR_HOSTKEY_INIT, during: "reading the host's key")
        }
        return key
    }

    /// Repeats `body` while it returns `EAGAIN`.
    ///
    /// - Parameter limit: How long it may take; `patience` where nil.
    /// - Returns: What `body` returned last, zero or more.
    /// - Throws: `.code` with what it returned, where that is negative.
    @discardableResult
    func call<Number: FixedWidthInteger>(
        _ doing: String, within limit: Duration? = nil, _ body: () -> Number
    ) throws(SSHFailure) -> Number {
        wire.deadline = .now + (limit ?? patience)
        while true {
            let result = body()
            if result >= 0 { return result }
            let code = Int32(truncatingIfNeeded: result)
            guard code == LIBSSH2_ERROR_EAGAIN else { throw failure(code, doing) }
            try rest(doing)
        }
    }

    /// Repeats `body` while it returns nothing and libssh2 says that it is to be repeated.
    ///
    /// - Parameter limit: How long it may take; `patience` where nil.
    func open(
        _ doing: String, within limit: Duration? = nil, _ body: () -> OpaquePointer?
    ) throws(SSHFailure) -> OpaquePointer {
        wire.deadline = .now + (limit ?? patience)
        while true {
            if let result = body() { return result }
            let code = libssh2_session_last_errno(session)
            guard code == LIBSSH2_ERROR_EAGAIN else { throw failure(code, doing) }
            try rest(doing)
        }
    }

    /// Waits a little for the far side, within the time that the present call has.
    func rest(_ doing: String) throws(SSHFailure) {
        try checkCaller()
        guard ContinuousClock.now < wire.deadline else { throw .stalled(during: doing) }
        let directions = libssh2_session_block_directions(session)
        wire.wait(
            reading: directions & LIBSSH2_SESSION_BLOCK_INBOUND != 0,
            writing: directions & LIBSSH2_SESSION_BLOCK_OUTBOUND != 0, limit: Self.tick)
    }

    /// Gives the present call its time anew, because it has got somewhere.
    func extend() { wire.deadline = .now + patience }

    /// Throws when the caller has cancelled.
    func checkCaller() throws(SSHFailure) {
        if wire.caller.isSet { throw .cancelled }
    }

    /// The failure behind a code, which may be that the wire refused to go on.
    func failure(_ code: Int32, _ doing: String) -> SSHFailure {
        switch wire.interruption {
        case .cancelled: .cancelled
        case .overdue: .stalled(during: doing)
        case nil: .code(code, during: doing)
        }
    }
}
