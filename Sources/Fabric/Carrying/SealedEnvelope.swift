internal import Glibc
public import SystemPackage

/// Sealed bytes on their way out: what every carrier is given, and all that it is given.
public struct SealedEnvelope: Sendable {
    /// The name under which the far side is asked to publish; a surface name ending in `.tza`.
    public let name: ArrivalName
    /// The SHA-256 of the sealed bytes: what a carrier can check without opening anything.
    public let digest: Digest
    /// The number of sealed bytes.
    public let size: Int64
    /// Opens the bytes anew. Called once per attempt, so a second attempt reads from byte 0 again.
    public let open: @Sendable () throws(SystemFailure) -> any EnvelopeSource

    /// An envelope whose bytes `open` gives.
    public init(
        name: ArrivalName, digest: Digest, size: Int64,
        open: @escaping @Sendable () throws(SystemFailure) -> any EnvelopeSource
    ) {
        self.name = name
        self.digest = digest
        self.size = size
        self.open = open
    }

    /// The envelope in the file at `path`, whose digest and size are known from sealing it.
    public init(file path: FilePath, name: ArrivalName, digest: Digest, size: Int64) {
        self.init(name: name, digest: digest, size: size) { () throws(SystemFailure) in
            try FileSource(path: path)
        }
    }

    /// The envelope in the file at `path`, read once to learn its digest and size.
    public init(hashing path: FilePath, name: ArrivalName) throws(SystemFailure) {
        let source = try FileSource(path: path)
        let (digest, size) = try source.digest()
        self.init(file: path, name: name, digest: digest, size: size)
    }
}

/// Random access to the bytes of one envelope. Reading may block: a carrier reads on a thread of its own.
public protocol EnvelopeSource: Sendable {
    /// Reads up to `buffer.count` bytes from `offset`.
    ///
    /// - Returns: The number of bytes read; fewer than asked for only at the end, and 0 from the end on.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int
}

/// An envelope in a file, kept open for as long as the source lives, so that a rename does not disturb it.
public final class FileSource: EnvelopeSource {
    private let file: OwnedFile

    /// Opens the regular file at `path`.
    public init(path: FilePath) throws(SystemFailure) {
        file = try OwnedFile(path: path, flags: O_RDONLY)
    }

    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        try file.read(into: buffer, at: offset)
    }

    /// The SHA-256 and the number of the leading `count` bytes, or of all bytes when `count` is nil.
    public func digest(ofFirst count: Int64? = nil) throws(SystemFailure) -> (digest: Digest, size: Int64) {
        try file.digest(ofFirst: count)
    }
}
