internal import CLinux
internal import Glibc
public import SystemPackage

/// An envelope on disk whose frame and manifest have been checked: steps 1 to 10 of `envelope.md`, section 10.2.
///
/// Its blocks have not been looked at yet. The file stays open, so what is verified is what is unpacked, whatever
/// happens to the name meanwhile.
public final class EnvelopeFile: Sendable {
    /// The path it was opened by.
    public let path: FilePath
    /// The length of the file in bytes.
    public let size: Int64
    /// The manifest. Signed by the key that it names, unless this was opened for display.
    public let manifest: Manifest
    /// Whether the manifest's signature holds. Always true unless this was opened for display.
    public let isSigned: Bool

    let file: OwnedFile
    /// Where each block's content begins, its length field being the four bytes before.
    let blockOffsets: [Int64]

    /// Opens the envelope at `path` and checks everything but its blocks.
    public convenience init(path: FilePath, limits: EnvelopeLimits = .init()) throws(EnvelopeError) {
        try self.init(path: path, limits: limits, evenUnsigned: false)
    }

    /// Opens the envelope at `path` for showing what it claims, even if nobody signed that.
    ///
    /// Nothing in such a manifest may be acted upon unless `isSigned` is true.
    public convenience init(displaying path: FilePath, limits: EnvelopeLimits = .init()) throws(EnvelopeError) {
        try self.init(path: path, limits: limits, evenUnsigned: true)
    }

    private init(path: FilePath, limits: EnvelopeLimits, evenUnsigned: Bool) throws(EnvelopeError) {
        self.path = path
        let opened = try Self.open(path)
        file = opened.file
        size = opened.size
        let length: Int
        do {
            let header = try Self.header(of: opened.file, size: opened.size, limits: limits)
            let stored = Memory(byteCount: header.manifestLength)
            _ = try EnvelopeError.wrapping { () throws(SystemFailure) in
                try opened.file.read(into: stored.bytes, at: 12)
            }
            manifest = try Self.parse(stored, header: header, limits: limits)
            blockOffsets = try Self.offsets(manifest, after: Int64(12 + header.manifestLength), size: opened.size)
            length = header.manifestLength
        }
        isSigned = manifest.senderKey.verifies(manifest.signature, over: manifest.signedBytes(reserving: length))
        guard isSigned || evenUnsigned else {
            throw .fault(.init(.manifestSignature, "the manifest was not signed by the key that it names"))
        }
    }

    private static func open(_ path: FilePath) throws(EnvelopeError) -> (file: OwnedFile, size: Int64) {
        let (file, status) = try EnvelopeError.wrapping { () throws(SystemFailure) in
            // Not blocking, so that a named pipe does not hold the caller up before it is refused.
            let file = try OwnedFile(path: path, flags: O_RDONLY | O_NONBLOCK)
            return (file, try file.status())
        }
        guard tibet_is_regular(status.st_mode) else { throw .fault(.init(.tooSmall, "not a regular file")) }
        return (file, Int64(status.st_size))
    }

    private typealias Header = (totalBlocks: UInt32, manifestLength: Int)

    /// Steps 1 to 5: the twelve bytes before the manifest.
    private static func header(
        of file: OwnedFile, size: Int64, limits: EnvelopeLimits
    ) throws(EnvelopeError) -> Header {
        let memory = Memory(byteCount: EnvelopeFormat.prefixByteCount)
        let count = try EnvelopeError.wrapping { () throws(SystemFailure) in try file.read(into: memory.bytes, at: 0) }
        let prefix = Array(memory.read(count))
        guard count == EnvelopeFormat.prefixByteCount else {
            throw .fault(.init(.tooSmall, "\(size) bytes are fewer than the 12 of a header"))
        }
        switch EnvelopeFormat.classify(prefix) {
        case .current: break
        case .legacy: throw .fault(.init(.legacyFormat, "a block stream of the older tbz packer"))
        case .unknownVersion:
            throw .fault(.init(.unknownVersion, "TBZ followed by 0x\(Hex.encode(prefix[3...3])) is no known version"))
        case .other: throw .fault(.init(.notTBZ, "the first bytes are \(Hex.encode(prefix[..<3])), not 'TBZ'"))
        }
        let totalBlocks = prefix[4..<8].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let length = prefix[8..<12].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard length >= 1, Int(length) <= limits.manifestBytes, Int64(length) <= size - 12 else {
            throw .fault(.init(.manifestLength, "\(length) bytes of manifest in a file of \(size)"))
        }
        guard totalBlocks >= 2, Int(totalBlocks) <= limits.blocks + 1 else {
            throw .fault(.init(.blockTotal, "the header counts \(totalBlocks) blocks, the manifest included"))
        }
        return (totalBlocks, Int(length))
    }

    private static func parse(
        _ stored: Memory, header: Header, limits: EnvelopeLimits
    ) throws(EnvelopeError) -> Manifest {
        do {
            let bytes = stored.read(header.manifestLength)
            return try Manifest(reading: bytes, totalBlocks: header.totalBlocks, limits: limits)
        } catch {
            throw .fault(error)
        }
    }

    /// Step 9: what the manifest says must fill the file exactly.
    private static func offsets(
        _ manifest: Manifest, after start: Int64, size: Int64
    ) throws(EnvelopeError) -> [Int64] {
        // At most 65,535 blocks of 32 bits each by now: this cannot overflow.
        var offsets: [Int64] = []
        offsets.reserveCapacity(manifest.blocks.count)
        var position = start
        for block in manifest.blocks {
            offsets.append(position + 4)
            position += 4 + Int64(block.size)
        }
        if position > size {
            throw .fault(.init(.truncated, "the file has \(size) bytes where the manifest needs \(position)"))
        }
        if position < size {
            throw .fault(.init(.trailingBytes, "\(size - position) bytes follow the last block"))
        }
        return offsets
    }

    /// The SHA-256 of the whole file: the digest that carriers, receipts and causal parents name.
    public func digest() throws(EnvelopeError) -> Digest {
        try EnvelopeError.wrapping { () throws(SystemFailure) in try file.digest().digest }
    }
}

extension EnvelopeError {
    /// Does `body`, turning the failure of a system call into an envelope's.
    static func wrapping<Result>(_ body: () throws(SystemFailure) -> Result) throws(EnvelopeError) -> Result {
        do { return try body() } catch { throw .system(error) }
    }
}
