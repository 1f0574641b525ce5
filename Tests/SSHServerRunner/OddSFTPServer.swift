import Glibc
import ProgramRunner

/// What is wrong with an SFTP server that sshd starts in place of its own.
package enum OddSFTPServer: String, CaseIterable, Sendable {
    /// Nothing; it has no extensions.
    case plain
    /// It empties every file that is opened for writing, as rclone's does.
    case truncates
    /// It empties a file that is opened again when it is first written to.
    case truncatesAtWrite
    /// Every file is empty once it is closed.
    case forgets
    /// As `forgets`, and it says before that the bytes are on stable storage.
    case forgetsWhatItStored
    /// Every file that was written is gone once it is closed.
    case loses
    /// It does not say what it has.
    case hides
    /// It says that there is a byte more than there is.
    case miscounts
    /// It takes its time before its first word.
    case late
    /// It ends before its first word.
    case ends
    /// It sends everything back.
    case echoes
    /// It prints a line before it begins.
    case prints

    /// Starts an SSH server that uses it.
    ///
    /// - Parameter commands: Whether the account may run commands as well.
    package func start(commands: Bool) async throws -> SSHServer {
        try await SSHServer.start(.withoutSFTP) { folder in
            let script = try folder.write("odd-sftp", Array(Self.script.utf8))
            let command = "/usr/bin/python3 \(script) \(try folder.write("odd-mode", Array(rawValue.utf8)))"
            return ["Subsystem sftp \(command)"] + (commands ? [] : ["ForceCommand \(command)"])
        }
    }

    /// From now on a server that was started by `start` is like this, also for those who are connected.
    package func become(at server: SSHServer) throws {
        try server.folder.write("odd-mode.new", Array(rawValue.utf8))
        _ = rename(server.folder.path("odd-mode.new"), server.folder.path("odd-mode"))
    }

    /// SFTP, version 3 (draft-ietf-secsh-filexfer-02), as far as a delivery needs it.
    private static let script = #"""
        import os, stat, struct, sys, time

        def now(): return open(sys.argv[1]).read()
        mode, files, next_handle = now(), {}, 0

        def read(count):
            data = b""
            while len(data) < count:
                more = os.read(0, count - len(data))
                if not more: sys.exit(0)
                data += more
            return data

        def send(kind, body):
            data = struct.pack(">IB", len(body) + 1, kind) + body
            while data: data = data[os.write(1, data):]

        def text(body, at):
            size = struct.unpack_from(">I", body, at)[0]
            return body[at + 4:at + 4 + size], at + 4 + size

        def packed(data): return struct.pack(">I", len(data)) + data
        def status(code): send(101, number + struct.pack(">I", code) + packed(b"") + packed(b""))

        def attributes(found):
            if mode == "hides": return send(105, number + struct.pack(">I", 0))
            odd = 1 if mode == "miscounts" and stat.S_ISREG(found.st_mode) else 0
            send(105, number + struct.pack(">IQI", 5, found.st_size + odd, found.st_mode))

        if mode == "ends": sys.exit(0)
        if mode == "prints": os.write(1, b"Welcome to host\n")
        if mode == "echoes":
            while True: os.write(1, read(1))
        if mode == "late": time.sleep(1.5)
        while True:
            size = struct.unpack(">I", read(4))[0]
            if size > 1 << 20: sys.exit(1)
            body = read(size)
            mode = now()
            kind, number, rest = body[0], body[1:5], body[5:]
            try:
                if kind == 1: send(2, struct.pack(">I", 3))
                elif kind == 3:
                    path, at = text(rest, 0)
                    flags = struct.unpack_from(">I", rest, at)[0]
                    how = os.O_RDWR if flags & 2 else os.O_RDONLY
                    if flags & 8: how |= os.O_CREAT
                    if flags & 32: how |= os.O_EXCL
                    if flags & 16 or mode == "truncates" and flags & 2: how |= os.O_TRUNC
                    name = b"%d" % next_handle
                    next_handle += 1
                    files[name] = [os.open(path, how, 0o644), path, flags]
                    send(102, number + packed(name))
                elif kind == 4:
                    file, path, flags = files.pop(text(rest, 0)[0])
                    if mode.startswith("forgets") and flags & 2: os.ftruncate(file, 0)
                    os.close(file)
                    if mode == "loses" and flags & 2: os.unlink(path)
                    status(0)
                elif kind == 5:
                    name, at = text(rest, 0)
                    offset, count = struct.unpack_from(">QI", rest, at)
                    data = os.pread(files[name][0], min(count, 32768), offset)
                    if data: send(103, number + packed(data))
                    else: status(1)
                elif kind == 6:
                    name, at = text(rest, 0)
                    offset, data = struct.unpack_from(">Q", rest, at)[0], text(rest, at + 8)[0]
                    if mode == "truncatesAtWrite" and not files[name][2] & 8:
                        os.ftruncate(files[name][0], 0)
                        files[name][2] |= 8
                        offset = 0
                    os.pwrite(files[name][0], data, offset)
                    status(0)
                elif kind == 7: attributes(os.lstat(text(rest, 0)[0]))
                elif kind == 8: attributes(os.fstat(files[text(rest, 0)[0]][0]))
                elif kind == 13:
                    os.unlink(text(rest, 0)[0])
                    status(0)
                elif kind == 17: attributes(os.stat(text(rest, 0)[0]))
                elif kind == 18:
                    old, at = text(rest, 0)
                    os.rename(old, text(rest, at)[0])
                    status(0)
                elif kind == 200 and mode == "forgetsWhatItStored" and text(rest, 0)[0] == b"fsync@openssh.com": status(0)
                else: status(8)
            except FileNotFoundError: status(2)
            except PermissionError: status(3)
            except OSError: status(4)
        """#
}
