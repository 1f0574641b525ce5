internal import CSSH2
internal import Fabric

/// A directory at a far side without SFTP: files go there by the scp protocol, and a shell does the rest.
///
/// The scp protocol always writes a file anew. So what is gone on with comes in a second file, which is then put to the
/// end of the first.
final class ShellDirectory: FarDirectory {
    private let shell: RemoteShell
    private let connection: SSHConnection
    private let path: String
    private let pace: PaceWatch

    init(_ shell: RemoteShell, on connection: SSHConnection, path: String, pace: PaceWatch) throws(SSHFailure) {
        self.shell = shell
        self.connection = connection
        self.pace = pace
        self.path = path.hasPrefix("/") ? path : try shell.home() + "/" + path
    }

    private func full(_ name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }
    private func word(_ name: String) -> String { ShellText.quoted(full(name)) }

    /// The name of the rest of a file that is gone on with.
    private static func tail(_ staging: String) -> String { String(staging.dropLast(5)) + ".tail.part" }

    func entry(_ name: String) throws(SSHFailure) -> FarEntry {
        let answer = try shell.run(
            """
            f=\(word(name))
            if [ -L "$f" ]; then echo other
            elif [ -f "$f" ]; then wc -c <"$f" || echo unreadable
            elif [ -e "$f" ]; then echo other
            else echo nothing; fi
            """)
        switch answer.text {
        case "nothing": return .nothing
        case "other", "unreadable": return .other
        default:
            guard let size = Int64(answer.text), size >= 0 else {
                throw .code(LIBSSH2_ERROR_PROTO, during: "looking at the directory")
            }
            return .file(size: size)
        }
    }

    var computesDigests: Bool { shell.digestCommand != nil }

    func begun(_ staging: String) throws(SSHFailure) -> FarEntry {
        // If this was interrupted before, the tail is there twice; the digest of the whole will say so.
        let tail = word(Self.tail(staging))
        _ = try shell.run(
            "f=\(word(staging)); t=\(tail)\nif [ -f \"$t\" ]; then [ -f \"$f\" ] && cat <\"$t\" >>\"$f\"; rm -f -- \"$t\"; fi",
            within: connection.patience * 4)
        return try entry(staging)
    }

    func digest(of name: String, first count: Int64, isWorthReading: Bool) throws(SSHFailure) -> Digest? {
        try shell.digest(ofFirst: count, of: full(name))
    }

    func digestOfWritten() throws(SSHFailure) -> Digest? { try shell.takeFollowedDigest() }

    func reopen(_ staging: String, for outgoing: Outgoing) -> Bool { true }

    func write(_ outgoing: Outgoing, to staging: String, moved: (Int64) -> Void) throws(SSHFailure) {
        let isNew = outgoing.start == 0
        let name = isNew ? staging : Self.tail(staging)
        if isNew {
            try create(staging)
            // The rest of a file that is gone on with comes in another file.
            try shell.follow(outgoing, as: full(staging))
        }
        let shell = shell
        do throws(SSHFailure) {
            try SCPUpload(connection: connection, pace: pace).send(outgoing, to: full(name)) {
                bytes throws(SSHFailure) in
                moved(bytes)
                try shell.tell(bytes)
            }
        } catch {
            throw try explained(error, writing: name)
        }
        try shell.tellAll()
        if !isNew { try join(staging, name) }
    }

    /// The protocol has no place for what start-up files print, and libssh2 does not say what came instead of an answer.
    private func explained(_ error: SSHFailure, writing name: String) throws(SSHFailure) -> SSHFailure {
        guard case .code(LIBSSH2_ERROR_SCP_PROTOCOL, _) = error, !shell.greeting.isEmpty else { return error }
        _ = try shell.run("rm -f -- \(word(name))")
        let absence = Absence.printed(shell.greeting, before: "scp")
        return .explained(
            CarrierError(
                .refused, .tryNextRoute,
                "\(connection.settings.knownName) \(absence.reason)", remedy: absence.suggestion))
    }

    /// Makes the empty file, which must not exist: the scp protocol would write to whatever it finds.
    private func create(_ staging: String) throws(SSHFailure) {
        let answer = try shell.run(
            """
            f=\(word(staging)); d=\(ShellText.quoted(path))/
            if [ ! -d "$d" ]; then echo missing
            elif [ -e "$f" ] || [ -L "$f" ]; then echo taken
            elif (set -C; : >"$f"); then echo made
            elif [ ! -w "$d" ]; then echo denied
            else echo failed; fi
            """)
        let doing = "opening the file"
        switch answer.text {
        case "made": return
        case "missing": throw .status(UInt(LIBSSH2_FX_NO_SUCH_FILE), during: doing)
        case "denied": throw .status(UInt(LIBSSH2_FX_PERMISSION_DENIED), during: doing)
        case "taken": throw .status(UInt(LIBSSH2_FX_FILE_ALREADY_EXISTS), during: doing)
        default: throw .status(UInt(LIBSSH2_FX_FAILURE), during: doing)
        }
    }

    private func join(_ staging: String, _ tail: String) throws(SSHFailure) {
        let answer = try shell.run(
            "cat <\(word(tail)) >>\(word(staging)) && rm -f -- \(word(tail))", within: connection.patience * 4)
        guard answer.status == 0 else { throw .status(UInt(LIBSSH2_FX_FAILURE), during: "writing") }
    }

    func store(_ staging: String) throws(SSHFailure) -> Int64 {
        _ = try shell.synchronize(full(staging), in: path)
        guard case .file(let size) = try entry(staging) else { return -1 }
        return size
    }

    func publish(_ staging: String, as name: String) throws(SSHFailure) -> Bool {
        guard let moved = try shell.move(full(staging), full(name)) else {
            throw .status(UInt(LIBSSH2_FX_NO_SUCH_FILE), during: "giving the file its name")
        }
        return moved
    }

    func settle(_ name: String) throws(SSHFailure) -> ReceiptStrength {
        try shell.synchronize(full(name), in: path) ? .stored : .accepted
    }

    func announce(_ name: String) throws(SSHFailure) { try shell.announce(full(name)) }

    /// What a shell says of a file is what its kernel says.
    var keepsFiles: Bool { true }

    func problem() throws(SSHFailure) -> DirectoryProblem? { try shell.problem(path) }

    func remove(_ name: String) throws(SSHFailure) {
        _ = try shell.run("rm -f -- \(word(name)) \(word(Self.tail(name)))")
    }

    func room() throws(SSHFailure) -> Int64? {
        let answer = try shell.run("df -Pk -- \(ShellText.quoted(path)) | tail -n 1")
        let words = answer.text.split(whereSeparator: \.isWhitespace)
        guard words.count >= 6, let kibibytes = Int64(words[3]) else { return nil }
        return max(0, kibibytes).multipliedClamping(by: 1024)
    }
}

extension RemoteShell {
    /// The user's home directory, where relative paths begin, as an absolute path.
    func home() throws(SSHFailure) -> String {
        let answer = try run("cd && pwd -P")
        let bytes = answer.output.last == UInt8(ascii: "\n") ? answer.output.dropLast() : answer.output[...]
        guard let home = String(validating: bytes, as: UTF8.self), home.hasPrefix("/") else {
            throw .code(LIBSSH2_ERROR_PROTO, during: "looking for the home directory")
        }
        return home
    }
}
