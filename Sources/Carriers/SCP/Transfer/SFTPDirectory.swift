internal import CSSH2
internal import Fabric

/// A directory reached over SFTP. What SFTP cannot do, hashing, is asked of a shell where the user may have one.
final class SFTPDirectory: FarDirectory {
    private let server: SFTPServer
    private let shell: RemoteShell?
    private let path: String
    private let pace: PaceWatch
    /// The file that was written last. Kept open until its new name is on stable storage as well.
    private var file: OpaquePointer?

    init(_ server: SFTPServer, shell: RemoteShell?, path: String, pace: PaceWatch) {
        self.server = server
        self.shell = shell
        self.path = path
        self.pace = pace
    }

    private func full(_ name: String) -> String { path.hasSuffix("/") ? path + name : path + "/" + name }

    func entry(_ name: String) throws(SSHFailure) -> FarEntry {
        guard let attributes = try server.attributes(full(name)) else { return .nothing }
        return Self.entry(attributes)
    }

    var computesDigests: Bool { shell?.digestCommand != nil }

    func begun(_ staging: String) throws(SSHFailure) -> FarEntry { try entry(staging) }

    private static func entry(_ attributes: LIBSSH2_SFTP_ATTRIBUTES) -> FarEntry {
        let needed = UInt(LIBSSH2_SFTP_ATTR_SIZE | LIBSSH2_SFTP_ATTR_PERMISSIONS)
        guard attributes.flags & needed == needed, attributes.permissions & 0o170000 == 0o100000,
            let size = Int64(exactly: attributes.filesize)
        else { return .other }
        return .file(size: size)
    }

    func digest(of name: String, first count: Int64, isWorthReading: Bool) throws(SSHFailure) -> Digest? {
        if let digest = try shell?.digest(ofFirst: count, of: full(name)) { return digest }
        return isWorthReading ? try readBack(full(name), count) : nil
    }

    func digestOfWritten() throws(SSHFailure) -> Digest? { try shell?.takeFollowedDigest() }

    private func readBack(_ path: String, _ count: Int64) throws(SSHFailure) -> Digest? {
        let file = try server.open(path, flags: LIBSSH2_FXF_READ, "reading the file back")
        var hasher = DigestHasher()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        var left = count
        while left > 0 {
            let wanted = Int(min(left, Int64(buffer.count)))
            let got = try server.call("reading the file back") {
                libssh2_sftp_read(file, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), wanted)
            }
            guard got > 0 else { break }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
            left -= Int64(got)
        }
        try server.close(file)
        return left == 0 ? hasher.finish() : nil
    }

    func write(_ outgoing: Outgoing, to staging: String, moved: (Int64) -> Void) throws(SSHFailure) {
        let isNew = outgoing.position == 0
        let flags = LIBSSH2_FXF_WRITE | (isNew ? LIBSSH2_FXF_CREAT | LIBSSH2_FXF_EXCL : 0)
        let file = try server.open(full(staging), flags: flags, "opening the file")
        self.file = file
        try shell?.follow(outgoing, as: full(staging))
        libssh2_sftp_seek64(file, UInt64(outgoing.position))
        let connection = server.connection
        var watch = pace
        while true {
            let bytes = try outgoing.fill()
            if bytes.isEmpty {
                try shell?.tellAll()
                return
            }
            connection.extend()
            let taken = try server.attempt("writing") {
                libssh2_sftp_write(file, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
            }
            if taken > 0 {
                outgoing.advance(by: taken)
                moved(outgoing.position)
                try shell?.tell(outgoing.position)
                try connection.checkCaller()
            } else {
                try connection.rest("writing")
            }
            // What counts is what went out. A far side that takes bytes and never says so gets one window, and no more.
            if watch.isStalled(at: .now, moved: connection.bytesSent) { throw .stalled(during: "writing") }
        }
    }

    func store(_ staging: String) throws(SSHFailure) -> Int64 {
        guard let file else { return -1 }
        _ = try synchronize(file)
        // By its name, not by the open file: what has this name is what gets the other.
        guard case .file(let size) = try entry(staging) else { return -1 }
        return size
    }

    /// Whether a file is on stable storage now; false when the server does not know how to do that.
    private func synchronize(_ file: OpaquePointer) throws(SSHFailure) -> Bool {
        do throws(SSHFailure) {
            // A file that was resumed may be large, and all of it unwritten.
            try server.call("storing the file", within: server.connection.patience * 4) { libssh2_sftp_fsync(file) }
            return true
        } catch {
            guard case .status(let status, _) = error, status == UInt(LIBSSH2_FX_OP_UNSUPPORTED) else { throw error }
            return false
        }
    }

    func publish(_ staging: String, as name: String) throws(SSHFailure) -> Bool {
        guard try entry(name) == .nothing else { return false }
        let (from, to) = (full(staging), full(name))
        if !isOpenSSH, let shell { return try shell.move(from, to) }
        do throws(SSHFailure) {
            try server.call("giving the file its name") {
                libssh2_sftp_rename_ex(
                    server.handle, from, UInt32(from.utf8.count), to, UInt32(to.utf8.count),
                    Int(LIBSSH2_SFTP_RENAME_NATIVE))
            }
            return true
        } catch {
            // The status is the same for every reason, so it takes a second look.
            guard case .status = error, try entry(name) != .nothing else { throw error }
            return false
        }
    }

    /// OpenSSH's server never replaces a file when it renames (sftp-server.c: it links, and then unlinks). Others may.
    private var isOpenSSH: Bool { server.connection.offer?.software.hasPrefix("OpenSSH") ?? false }

    /// Storing the file once more, after it was renamed, takes the new name to the disk as well: the change is part of
    /// the file's own history in the journal of every common file system.
    func settle(_ name: String) throws(SSHFailure) -> ReceiptStrength {
        let file: OpaquePointer
        if let written = self.file {
            file = written
        } else {
            file = try server.open(full(name), flags: LIBSSH2_FXF_READ, "opening the file")
        }
        self.file = nil
        var isSafe = try synchronize(file)
        try server.close(file)
        if !isSafe, let shell { isSafe = try shell.synchronize(full(name), in: path) }
        return isSafe ? .stored : .accepted
    }

    func announce(_ name: String) throws(SSHFailure) {
        do throws(SSHFailure) {
            try server.close(try server.open(full(name), flags: LIBSSH2_FXF_WRITE, "announcing the file"))
        } catch {
            // Taken away, or made by somebody who keeps others from writing: it arrived all the same.
            guard case .status = error else { throw error }
        }
    }

    func remove(_ name: String) throws(SSHFailure) {
        if let file { try server.close(file) }
        file = nil
        let path = full(name)
        do throws(SSHFailure) {
            try server.call("removing the partial") {
                libssh2_sftp_unlink_ex(server.handle, path, UInt32(path.utf8.count))
            }
        } catch {
            // It may be gone already: what a killed sender had asked for is still done after its end.
            guard case .status(let status, _) = error, status == UInt(LIBSSH2_FX_NO_SUCH_FILE) else { throw error }
        }
    }

    func room() throws(SSHFailure) -> Int64? {
        var info = LIBSSH2_SFTP_STATVFS()
        do throws(SSHFailure) {
            try server.call("asking for free space") {
                libssh2_sftp_statvfs(server.handle, path, path.utf8.count, &info)
            }
        } catch {
            guard case .status = error else { throw error }
            return nil
        }
        let (bytes, overflow) = info.f_bavail.multipliedReportingOverflow(by: info.f_frsize)
        return overflow ? nil : Int64(clamping: bytes)
    }
}
