internal import CLinux
internal import Glibc
internal import SystemPackage

/// An open file descriptor that closes itself, with whole reads and writes and errors that name the file.
final class OwnedFile: Sendable {
    /// The descriptor, valid for as long as this object lives.
    let descriptor: Int32
    /// The path that it was opened by, for messages.
    let label: String

    /// Opens `path`; close-on-exec always.
    init(path: FilePath, flags: Int32, mode: mode_t = 0o600) throws(SystemFailure) {
        let opened = path.withPlatformString { Glibc.open($0, flags | O_CLOEXEC, mode) }
        label = path.string
        guard opened >= 0 else { throw .current("cannot open '\(path.string)'") }
        descriptor = opened
    }

    /// Opens `name` below the directory `parent`.
    init(_ name: String, in parent: OwnedFile, flags: Int32, mode: mode_t = 0o600) throws(SystemFailure) {
        label = parent.label + "/" + name
        let opened = openat(parent.descriptor, name, flags | O_CLOEXEC, mode)
        guard opened >= 0 else { throw .current("cannot open '\(parent.label)/\(name)'") }
        descriptor = opened
    }

    /// Takes over an open descriptor.
    init(adopting descriptor: Int32, label: String) {
        self.descriptor = descriptor
        self.label = label
    }

    deinit { close(descriptor) }

    /// The present length and kind.
    func status() throws(SystemFailure) -> stat {
        var info = stat()
        guard fstat(descriptor, &info) == 0 else { throw .current("cannot examine '\(label)'") }
        return info
    }

    /// How much is asked for at once: files below `/proc/sys` refuse reads of 4 MiB and more (ENOMEM).
    private static let largestRead = 1 << 20

    /// Fills `buffer` from `offset` as far as the file goes, and says how far that was.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        var done = 0
        while done < buffer.count {
            let got = pread(
                descriptor, buffer.baseAddress?.advanced(by: done), min(Self.largestRead, buffer.count - done),
                off_t(offset) + done)
            if got == 0 { break }
            if got > 0 {
                done += got
            } else if errno != EINTR {
                throw .current("cannot read '\(label)'")
            }
        }
        return done
    }

    /// Fills `buffer` from where the descriptor stands, which may be a pipe; fewer bytes only at the end.
    func readNext(into buffer: UnsafeMutableRawBufferPointer) throws(SystemFailure) -> Int {
        var done = 0
        while done < buffer.count {
            let got = Glibc.read(
                descriptor, buffer.baseAddress?.advanced(by: done), min(Self.largestRead, buffer.count - done))
            if got == 0 { break }
            if got > 0 {
                done += got
            } else if errno != EINTR {
                throw .current("cannot read '\(label)'")
            }
        }
        return done
    }

    /// Whether there is a byte at `offset`, whatever the length that the file was said to have.
    func hasMore(at offset: Int64) throws(SystemFailure) -> Bool {
        let byte = Memory(byteCount: 1)
        return try read(into: byte.bytes, at: offset) > 0
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SystemFailure) {
        var done = 0
        while done < bytes.count {
            let put = pwrite(
                descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + done)
            if put > 0 {
                done += put
            } else if put == 0 || errno != EINTR {
                throw .current("cannot write '\(label)'")
            }
        }
    }

    /// Writes `bytes` at `offset`, but for long runs of zeros, which become holes. The file must have had nothing there,
    /// and must be given its length afterwards.
    func writeSparsely(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(SystemFailure) {
        let piece = 64 << 10
        var start = 0
        var position = 0
        while position < bytes.count {
            let end = min(bytes.count, position + piece)
            if end - position == piece, tibet_is_zero(bytes.baseAddress?.advanced(by: position), piece) {
                if start < position {
                    try write(UnsafeRawBufferPointer(rebasing: bytes[start..<position]), at: offset + Int64(start))
                }
                start = end
            }
            position = end
        }
        if start < position {
            try write(UnsafeRawBufferPointer(rebasing: bytes[start..<position]), at: offset + Int64(start))
        }
    }

    /// Writes all of `bytes` at `offset`.
    func write(bytes: [UInt8], at offset: Int64) throws(SystemFailure) {
        let result = bytes.withUnsafeBytes { raw in
            Result { () throws(SystemFailure) in try write(raw, at: offset) }
        }
        try result.get()
    }

    /// Cuts or extends the file to `length` bytes.
    func truncate(to length: Int64) throws(SystemFailure) {
        guard ftruncate(descriptor, off_t(length)) == 0 else { throw .current("cannot set the length of '\(label)'") }
    }

    /// Returns once content and length are on stable storage.
    func synchronize() throws(SystemFailure) {
        while fsync(descriptor) != 0 {
            guard errno == EINTR else { throw .current("cannot sync '\(label)'") }
        }
    }

    /// The SHA-256 and number of the leading `count` bytes, or of all when `count` is nil.
    func digest(ofFirst count: Int64? = nil) throws(SystemFailure) -> (digest: Digest, size: Int64) {
        _ = tibet_read_sequentially(descriptor)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
        defer { buffer.deallocate() }
        var hasher = DigestHasher()
        var offset: Int64 = 0
        while count.map({ offset < $0 }) ?? true {
            let wanted = min(Int64(buffer.count), (count ?? .max) - offset)
            let got = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(wanted)]), at: offset)
            if got == 0 { break }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
            offset += Int64(got)
        }
        return (hasher.finish(), offset)
    }
}
