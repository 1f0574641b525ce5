/// Files that are small enough to be in memory as a whole: identities, ledgers.
extension OwnedFile {
    /// The bytes from `offset` on, `count` at most.
    func bytes(from offset: Int64 = 0, atMost count: Int) throws(SystemFailure) -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: 1)
        defer { buffer.deallocate() }
        let got = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: offset)
        return Array(buffer[..<got])
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: [UInt8], at offset: Int64 = 0) throws(SystemFailure) {
        try bytes.withUnsafeBufferPointer { buffer throws(SystemFailure) in
            try write(UnsafeRawBufferPointer(buffer), at: offset)
        }
    }
}
