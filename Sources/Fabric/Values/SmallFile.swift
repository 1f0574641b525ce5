internal import CLinux
internal import Glibc

/// Files that are small enough to be in memory as a whole: identities, ledgers.
extension OwnedFile {
    /// The bytes from `offset` on, `count` at most.
    func bytes(from offset: Int64 = 0, atMost count: Int) throws(SystemFailure) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 1)
        defer { buffer.deallocate() }
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
        // A pipe can only be read from where it stands, and may have to be waited for.
        let isPipe = try tibet_is_pipe(status().st_mode)
        if isPipe { _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK) }
        let got = try isPipe && offset == 0 ? readNext(into: room) : read(into: room, at: offset)
        return Array(buffer[..<got])
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: [UInt8], at offset: Int64 = 0) throws(SystemFailure) {
        try bytes.withUnsafeBufferPointer { buffer throws(SystemFailure) in
            try write(UnsafeRawBufferPointer(buffer), at: offset)
        }
    }
}
