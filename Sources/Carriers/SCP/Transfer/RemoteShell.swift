internal import CSSH2
internal import Fabric

/// A POSIX shell at the far side, kept for as long as the connection. It is told what to do through its standard input.
///
/// @unchecked: used by the thread that uses its connection.
final class RemoteShell: @unchecked Sendable {
    let connection: SSHConnection
    private let channel: OpaquePointer
    /// A line that begins with this ends an answer. Nobody at the far side can know it beforehand.
    private let mark: String
    private var unread: [UInt8] = []
    /// What is being hashed while it is written; nil when nothing is (`RemoteShell+Following.swift`).
    var followed: Followed?
    /// What came of it, until somebody asks.
    var followedDigest: Digest?
    /// The command that prints the SHA-256 of its input; nil when there is none.
    private(set) var digestCommand: String?

    /// The beginning of what the login printed before the first command ran; empty where it is silent.
    private(set) var greeting: [UInt8] = []

    /// No answer that is asked for here is longer.
    private static let largestAnswer = 64 << 10
    /// Start-up files print no more than this.
    private static let largestGreeting = 16 << 20

    /// For how long to wait for a shell that is welcome and not needed.
    private static let startTime = Duration.seconds(10)

    /// What came of starting a shell.
    enum Start {
        case started(RemoteShell)
        /// This user may not run commands.
        case absent(Absence)
    }

    /// Starts a shell.
    ///
    /// - Parameter isNeeded: Whether nothing goes without it, so that a slow one is waited for, and its absence is known
    ///   for certain.
    static func start(on connection: SSHConnection, isNeeded: Bool) throws(SSHFailure) -> Start {
        var shell: RemoteShell?
        do throws(SSHFailure) {
            let started = try RemoteShell(connection)
            shell = started
            try started.synchronize(within: isNeeded ? nil : min(startTime, connection.patience))
            try started.findDigestCommand()
            return .started(started)
        } catch {
            switch error {
            case .cancelled, .explained, .status: throw error
            // A command that is forced on this user may wait for something that never comes.
            case .stalled where isNeeded: throw error
            case .code where error.isLostTransport: throw error
            case .code, .stalled: break
            }
            guard let shell else { return .absent(Absence("runs no commands")) }
            let printed = shell.greeting.isEmpty ? shell.unread : shell.greeting
            return .absent(printed.isEmpty ? .ended("commands") : .printed(printed, before: "a command"))
        }
    }

    private init(_ connection: SSHConnection) throws(SSHFailure) {
        self.connection = connection
        var generator = SystemRandomNumberGenerator()
        mark = "tibet-" + String(generator.next(), radix: 36)
        let session = connection.session
        channel = try connection.open("opening a channel") {
            libssh2_channel_open_ex(session, "session", 7, 2 << 20, 32768, nil, 0)
        }
        let channel = channel
        // These words are all that the login shell gets to see.
        let command = "exec /bin/sh"
        try connection.call("starting a shell") {
            libssh2_channel_process_startup(channel, "exec", 4, command, UInt32(command.utf8.count))
        }
        try connection.call("starting a shell") { libssh2_channel_handle_extended_data2(channel, 1) }
    }

    /// What a script did.
    struct Answer {
        let status: Int
        let output: [UInt8]

        /// The output without the white space around it.
        var text: String {
            let words = String(decoding: output, as: UTF8.self)
            return String(words.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
        }

        /// The SHA-256 among what a digest command says; nil when there is none.
        var digest: Digest? {
            let words = text.split(whereSeparator: { !$0.isLetter && !$0.isNumber })
            return words.lazy.compactMap { Digest(hex: $0.lowercased()) }.first
        }
    }

    /// Runs `script`, whose commands have no input and whose complaints are thrown away.
    func run(_ script: String, within limit: Duration? = nil) throws(SSHFailure) -> Answer {
        // It is busy until then.
        try endFollowing()
        try send("{ \(script)\n} </dev/null 2>/dev/null; \(ending("\"$?\""))\n", limit)
        return try answer(within: limit)
    }

    /// Waits until the shell runs what it is told, and passes over what the login prints before that.
    private func synchronize(within limit: Duration?) throws(SSHFailure) {
        try send(ending("0") + "\n", limit)
        let mark = endOfAnswer
        var passedOver = 0
        while true {
            if let answer = takeAnswer(mark) {
                if greeting.isEmpty { greeting = Array(answer.output.prefix(1024)) }
                return
            }
            if unread.count > Self.largestAnswer / 2 {
                if greeting.isEmpty { greeting = Array(unread.prefix(1024)) }
                // What is kept may hold the beginning of the mark.
                let excess = unread.count - mark.count - 16
                unread.removeFirst(excess)
                passedOver += excess
            }
            guard passedOver < Self.largestGreeting else {
                throw .code(LIBSSH2_ERROR_PROTO, during: "starting a shell")
            }
            try readMore(within: limit)
        }
    }

    private var endOfAnswer: [UInt8] { Array("\n\(mark) ".utf8) }

    /// The command that ends an answer with `status`.
    func ending(_ status: String) -> String { "printf '\\n%s %d\\n' \(mark) \(status)" }

    /// The answer to what was sent.
    func answer(within limit: Duration?) throws(SSHFailure) -> Answer {
        let ending = endOfAnswer
        while true {
            if let answer = takeAnswer(ending) { return answer }
            guard unread.count < Self.largestAnswer else {
                throw .code(LIBSSH2_ERROR_CHANNEL_CLOSED, during: "waiting for a command")
            }
            try readMore(within: limit)
        }
    }

    private func readMore(within limit: Duration?) throws(SSHFailure) {
        let channel = channel
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = try connection.call("waiting for a command", within: limit) {
            buffer.withUnsafeMutableBytes { raw in
                libssh2_channel_read_ex(channel, 0, raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count)
            }
        }
        guard count > 0 else { throw .code(LIBSSH2_ERROR_CHANNEL_CLOSED, during: "waiting for a command") }
        unread += buffer[..<count]
    }

    private func takeAnswer(_ ending: [UInt8]) -> Answer? {
        guard let end = unread.firstRange(of: ending)?.lowerBound else { return nil }
        let rest = unread[(end + ending.count)...]
        guard let lineEnd = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let status = Int(String(decoding: rest[..<lineEnd], as: UTF8.self)) ?? 255
        defer { unread = Array(unread[(lineEnd + 1)...]) }
        return Answer(status: status, output: Array(unread[..<end]))
    }

    /// Sends `text`, to the last byte.
    func send(_ text: String, _ limit: Duration?) throws(SSHFailure) {
        let channel = channel
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = try connection.call("sending a command", within: limit) {
                rest.withUnsafeBytes { raw in
                    libssh2_channel_write_ex(
                        channel, 0, raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count)
                }
            }
            rest = rest.dropFirst(count)
        }
    }

    /// OpenSSL's is several times as fast as that of the core utilities.
    private func findDigestCommand() throws(SSHFailure) {
        let commands = ["openssl dgst -sha256 -r", "sha256sum", "shasum -a 256", "sha256 -q"]
        let list = commands.map(ShellText.quoted).joined(separator: " ")
        let answer = try run(
            """
            for command in \(list); do
                case "$($command </dev/null)" in *\(Digest(of: []).hex)*) echo "$command"; break ;; esac
            done
            """)
        digestCommand = commands.first { $0 == answer.text }
    }

    /// The SHA-256 of the first `count` bytes of a file; nil when it cannot be computed there. A file that cannot be read
    /// has none: what is in the braces is not begun then.
    func digest(ofFirst count: Int64, of path: String) throws(SSHFailure) -> Digest? {
        guard let digestCommand else { return nil }
        let limit = connection.patience + .seconds(count >> 26)
        let answer = try run("{ head -c \(count) | \(digestCommand); } <\(ShellText.quoted(path))", within: limit)
        return answer.digest
    }
}
