internal import CSSH2
internal import Fabric

/// A directory reached over SFTP. What SFTP cannot do, hashing, is asked of a shell where the user may have one.
final class SFTPDirectory: FarDirectory {
    private let server: SFTPServer
    private let shell: RemoteShell?
    private let path: String
    private let pace: PaceWatch
    /// The file that is being written. It is kept open until its new name is on stable storage as well where the server is
    /// known to keep what it has (`keepsFiles`); elsewhere it is closed, and looked at, before it gets its name.
    private var file: OpaquePointer?
    /// How many bytes were written to it.
    private var written: Int64 = 0
    /// Whether the bytes of the file that was written last are on stable storage.
    private var isStored = false
    /// Whether the file that was written last got its name by two links, which wakes no watcher.
    private var isLinked = true

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

    func reopen(_ staging: String, for outgoing: Outgoing) throws(SSHFailure) -> Bool {
        // Where nothing is missing, opening it for writing could only do harm.
        let flags = outgoing.position < outgoing.size ? LIBSSH2_FXF_WRITE : LIBSSH2_FXF_READ
        let file = try server.open(full(staging), flags: flags, "opening the file")
        self.file = file
        do throws(SSHFailure) {
            if try entry(staging) == .file(size: outgoing.position), try writeFirst(outgoing, to: file),
                try entry(staging) == .file(size: outgoing.position)
            {
                return true
            }
        } catch {
            // rclone refuses a write that leaves out the beginning.
            guard case .status = error else { throw error }
        }
        try remove(staging)
        return false
    }

    /// libssh2 makes one request of so many bytes, so nothing is left on its way when the request has its answer.
    private static let singleRequest = 16 << 10

    /// Writes a little, if anything is missing; true.
    private func writeFirst(_ outgoing: Outgoing, to file: OpaquePointer) throws(SSHFailure) -> Bool {
        libssh2_sftp_seek64(file, UInt64(outgoing.position))
        let bytes = try outgoing.fill().prefix(Self.singleRequest)
        if bytes.isEmpty { return true }
        let taken = try server.call("writing") {
            libssh2_sftp_write(
                file, UnsafeRawBufferPointer(rebasing: bytes).baseAddress?.assumingMemoryBound(to: CChar.self),
                bytes.count)
        }
        outgoing.advance(by: Int(taken))
        return true
    }

    func write(_ outgoing: Outgoing, to staging: String, moved: (Int64) -> Void) throws(SSHFailure) {
        let file: OpaquePointer
        if let reopened = self.file {
            file = reopened
        } else {
            let flags = LIBSSH2_FXF_WRITE | LIBSSH2_FXF_CREAT | LIBSSH2_FXF_EXCL
            file = try server.open(full(staging), flags: flags, "opening the file")
        }
        self.file = file
        isStored = false
        try shell?.follow(outgoing, as: full(staging))
        libssh2_sftp_seek64(file, UInt64(outgoing.position))
        let connection = server.connection
        var watch = pace
        while true {
            let bytes = try outgoing.fill()
            if bytes.isEmpty {
                written = outgoing.position
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
        isStored = try synchronize(file)
        if !keepsFiles {
            self.file = nil
            try server.close(file, isStored: isStored)
        }
        // By its name, not by the open file: what has this name is what gets the other.
        guard case .file(let size) = try entry(staging) else { return -1 }
        if size > 0, size == written { server.keepsClosedFiles = true }
        return size
    }

    /// Whether a file is on stable storage now; false when the server does not know how to do that.
    private func synchronize(_ file: OpaquePointer) throws(SSHFailure) -> Bool {
        if server.storesFiles == false { return false }
        do throws(SSHFailure) {
            // A file that was resumed may be large, and all of it unwritten.
            try server.call("storing the file", within: server.connection.patience * 4) { libssh2_sftp_fsync(file) }
            server.storesFiles = true
            return true
        } catch {
            guard case .status(let status, _) = error, status == UInt(LIBSSH2_FX_OP_UNSUPPORTED) else { throw error }
            server.storesFiles = false
            return false
        }
    }

    func publish(_ staging: String, as name: String) throws(SSHFailure) -> Bool {
        guard try entry(name) == .nothing else { return false }
        let (from, to) = (full(staging), full(name))
        isLinked = server.isOpenSSH
        if !server.isOpenSSH, let shell, let moved = try shell.move(from, to) {
            isLinked = true
            return moved
        }
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

    /// Storing the file once more, after it was renamed, takes the new name to the disk as well: the change is part of
    /// the file's own history in the journal of every common file system.
    func settle(_ name: String) throws(SSHFailure) -> ReceiptStrength {
        var isSafe = try storeName(name)
        if !isSafe, let shell { isSafe = try shell.synchronize(full(name), in: path) }
        return isSafe ? .stored : .accepted
    }

    private func storeName(_ name: String) throws(SSHFailure) -> Bool {
        if let written = file {
            file = nil
            let isSafe = try synchronize(written)
            try server.close(written)
            return isSafe
        }
        guard server.storesFiles != false else { return false }
        do throws(SSHFailure) {
            let file = try server.open(full(name), flags: LIBSSH2_FXF_READ, "opening the file")
            let isSafe = try synchronize(file)
            try server.close(file)
            return isSafe
        } catch {
            // A consumer may have taken the file already. Servers other than OpenSSH's may not store what is open for
            // reading.
            guard case .status(let status, _) = error else { throw error }
            if status == UInt(LIBSSH2_FX_NO_SUCH_FILE) { return isStored }
            guard !server.hostIsOpenSSH else { throw error }
            return false
        }
    }

    func announce(_ name: String) throws(SSHFailure) {
        guard isLinked else { return }
        guard server.isOpenSSH else {
            try shell?.announce(full(name))
            return
        }
        do throws(SSHFailure) {
            try server.close(try server.open(full(name), flags: LIBSSH2_FXF_WRITE, "announcing the file"))
        } catch {
            // Taken away, or made by somebody who keeps others from writing: it arrived all the same.
            guard case .status = error else { throw error }
        }
    }

    var keepsFiles: Bool { server.isOpenSSH && server.keepsClosedFiles }

    func problem() throws(SSHFailure) -> DirectoryProblem? {
        do throws(SSHFailure) {
            guard let attributes = try server.attributes(path, LIBSSH2_SFTP_STAT) else { return .missing }
            let isTold = attributes.flags & UInt(LIBSSH2_SFTP_ATTR_PERMISSIONS) != 0
            return isTold && attributes.permissions & 0o170000 != 0o040000 ? .notADirectory : nil
        } catch {
            guard case .status = error else { throw error }
            return nil
        }
    }

    func remove(_ name: String) throws(SSHFailure) {
        let open = file
        file = nil
        if let open { try server.close(open) }
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
