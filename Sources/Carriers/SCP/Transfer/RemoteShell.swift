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

    /// No answer that is asked for here is longer; a shell's start-up files may add some words of their own.
    private static let largestAnswer = 64 << 10

    /// For how long to wait for a shell that is welcome and not needed.
    private static let startTime = Duration.seconds(10)

    /// Starts a shell; nil when this user may not run commands.
    ///
    /// - Parameter isNeeded: Whether nothing goes without it, so that a slow one is waited for, and its absence is known
    ///   for certain.
    static func start(on connection: SSHConnection, isNeeded: Bool) throws(SSHFailure) -> RemoteShell? {
        do throws(SSHFailure) {
            let shell = try RemoteShell(connection)
            let answer = try shell.run("echo ready", within: isNeeded ? nil : min(startTime, connection.patience))
            guard answer.text == "ready" else { return nil }
            try shell.findDigestCommand()
            return shell
        } catch {
            switch error {
            case .cancelled, .explained, .status: throw error
            case .code(let code, _):
                let isGone = [LIBSSH2_ERROR_SOCKET_SEND, LIBSSH2_ERROR_SOCKET_RECV, LIBSSH2_ERROR_SOCKET_DISCONNECT]
                if isGone.contains(code) { throw error }
                return nil
            case .stalled:
                // A command that is forced on this user may wait for something that never comes.
                guard isNeeded else { return nil }
                throw error
            }
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

    /// The command that ends an answer with `status`.
    func ending(_ status: String) -> String { "printf '\\n%s %d\\n' \(mark) \(status)" }

    /// The answer to what was sent.
    func answer(within limit: Duration?) throws(SSHFailure) -> Answer {
        let ending = Array("\n\(mark) ".utf8)
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            if let answer = takeAnswer(ending) { return answer }
            let channel = channel
            let count = try connection.call("waiting for a command", within: limit) {
                buffer.withUnsafeMutableBytes { raw in
                    libssh2_channel_read_ex(
                        channel, 0, raw.baseAddress?.assumingMemoryBound(to: CChar.self), raw.count)
                }
            }
            guard count > 0, unread.count < Self.largestAnswer else {
                throw .code(LIBSSH2_ERROR_CHANNEL_CLOSED, during: "waiting for a command")
            }
            unread += buffer[..<count]
        }
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
