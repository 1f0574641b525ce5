internal import CSpawn
internal import Glibc

/// A plug-in that runs, in a process group of its own, and the pipes to it. Not shared between threads.
final class ChildProcess {
    /// The child's number, which is also the group's. Stays taken until `end` has returned.
    let id: pid_t
    /// Readable once the child has ended.
    let process: Int32
    let output: Int32
    let errors: Int32
    /// -1 once closed.
    private(set) var input: Int32
    /// Where the envelope is written to; -1 where there is none, and once closed.
    private(set) var envelope: Int32
    /// The other end of that pipe, kept to see what nobody has read.
    private let envelopeReading: Int32
    private var hasEnded = false

    /// Starts the program at `path`.
    ///
    /// - Throws: The error number of what failed.
    init(path: String, environment: [String], withEnvelope: Bool) throws(StartFailure) {
        var pipes: [(read: Int32, write: Int32)] = []
        for _ in 0..<(withEnvelope ? 4 : 3) {
            var ends: [Int32] = [-1, -1]
            guard tibet_pipe(&ends) == 0 else {
                let code = errno
                for descriptor in pipes.flatMap({ [$0.read, $0.write] }) { close(descriptor) }
                throw StartFailure(code: code)
            }
            pipes.append((ends[0], ends[1]))
        }
        let (toChild, fromChild, fromErrors) = (pipes[0], pipes[1], pipes[2])
        let bytes = withEnvelope ? pipes[3] : (read: -1, write: -1)
        if withEnvelope { tibet_widen_pipe(bytes.write) }
        var id: pid_t = 0
        let words = CStrings([path])
        let variables = CStrings(environment)
        var code: Int32 = 0
        for _ in 0..<50 {
            code = tibet_spawn(
                &id, path, words.pointers, variables.pointers, toChild.read, fromChild.write, fromErrors.write,
                bytes.read)
            // Whoever has just written the program may hold it open for a moment more, and so may what they start.
            guard code == ETXTBSY else { break }
            usleep(20_000)
        }
        for descriptor in [toChild.read, fromChild.write, fromErrors.write] { close(descriptor) }
        let process = code == 0 ? tibet_open_process(id) : -1
        guard code == 0, process >= 0 else {
            let reason = code == 0 ? errno : code
            let ours = [toChild.write, fromChild.read, fromErrors.read, bytes.read, bytes.write]
            for descriptor in ours where descriptor >= 0 { close(descriptor) }
            if code == 0 { Self.reap(id) }
            throw StartFailure(code: reason)
        }
        for descriptor in [toChild.write, fromChild.read, fromErrors.read, bytes.write] where descriptor >= 0 {
            _ = tibet_never_block(descriptor)
        }
        (self.id, self.process) = (id, process)
        (input, output, errors) = (toChild.write, fromChild.read, fromErrors.read)
        (envelope, envelopeReading) = (bytes.write, bytes.read)
    }

    deinit {
        _ = end()
        closeInput()
        closeEnvelope()
        for descriptor in [process, output, errors, envelopeReading] where descriptor >= 0 { close(descriptor) }
    }

    /// Why a program could not be started.
    struct StartFailure: Error {
        let code: Int32

        var text: String { String(cString: strerror(code)) }
    }

    /// How many bytes of the envelope were written and not read.
    var unreadBytes: Int64 { envelopeReading < 0 ? 0 : max(0, tibet_unread_bytes(envelopeReading)) }

    func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    func closeEnvelope() {
        if envelope >= 0 { close(envelope) }
        envelope = -1
    }

    /// Asks the whole group to end.
    func askToEnd() { if !hasEnded { kill(-id, SIGTERM) } }

    /// Whether the child ends within so many milliseconds.
    func ends(within milliseconds: Int32) -> Bool {
        if hasEnded { return true }
        var entry = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
        while true {
            let count = poll(&entry, 1, milliseconds)
            if count >= 0 || errno != EINTR { return count > 0 }
        }
    }

    /// Kills whatever is left of the group, and takes the child's status: its exit code, or 128 and the signal.
    func end() -> Int32 {
        guard !hasEnded else { return 0 }
        hasEnded = true
        // Before the child is reaped, so that its number cannot be somebody else's yet.
        kill(-id, SIGKILL)
        return Self.reap(id)
    }

    @discardableResult
    private static func reap(_ id: pid_t) -> Int32 {
        kill(id, SIGKILL)
        var status: Int32 = 0
        while waitpid(id, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }
}

/// Texts as C wants them, for as long as this lives.
private final class CStrings {
    let pointers: [UnsafeMutablePointer<CChar>?]

    init(_ texts: [String]) { pointers = texts.map { strdup($0) } + [nil] }

    deinit { for pointer in pointers { free(pointer) } }
}
