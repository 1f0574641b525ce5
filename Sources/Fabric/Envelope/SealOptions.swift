/// What is asked for when something is sealed.
public struct SealOptions: Sendable {
    /// Whether contents are compressed.
    public enum Compression: String, Sendable, CaseIterable {
        /// Each content is compressed if a sample of it shrinks.
        case auto
        /// Everything is compressed.
        case zstd
        /// Nothing is.
        case none
    }

    /// How a directory is laid out.
    public enum DirectoryLayout: String, Sendable, CaseIterable {
        /// As one pax tar, which keeps modes, times, symbolic links and empty directories.
        case tar
        /// As one block per regular file, which is how peers do it.
        case files
    }

    /// The name that the sender claims.
    public var senderName: String
    /// The addressee's name; `self.aint` is the peers' default (`daemon.md`, section 14).
    public var receiverName = SealOptions.unaddressedName
    /// The addressee's public key as 64 hexadecimal digits; 64 zeros for nobody in particular.
    public var receiverKey = Manifest.unaddressedKey
    /// What kind of thing is inside; the peers' `tcd` always writes `ai_state`.
    public var payloadType = "ai_state"
    /// The surface fields that the manifest mirrors.
    public var surface = ManifestSurface()
    /// Whether to compress.
    public var compression = Compression.auto
    /// The zstd level, 1 to 22.
    public var level = 3
    /// How to lay out a directory.
    public var layout = DirectoryLayout.tar
    /// The transfer id; a fresh one for each envelope.
    public var transferID = TransferID.generate()
    /// The sealing time.
    public var time = Timestamp.now()
    /// The digest of the envelope that this one follows on, if any.
    public var causalParent: Digest?
    /// How many decoded bytes go into one block of large content.
    public var blockSize = SealOptions.defaultBlockSize
    /// Whether the manifest carries the keys that peers do not know. Without them contents are stored uncompressed in
    /// the peers' own form, byte for byte.
    public var writesExtensions = true

    /// How the contents turn out to be laid out; set by the sealer from what it finds.
    var contentLayout = Manifest.Layout.files

    /// The addressee's name where nobody in particular is meant.
    public static let unaddressedName = "self.aint"

    /// 4 MiB: large enough to compress well, small enough that a block per core fits in memory.
    public static let defaultBlockSize = 4 << 20

    /// Options with the given sender name and defaults for everything else.
    public init(senderName: String) {
        self.senderName = senderName
    }

    /// Doubles the block size, up to 32 MiB, until `size` bytes fit into the blocks that one envelope can have.
    mutating func fitBlockSize(to size: Int64) {
        // An entry takes some 420 bytes of a manifest of 16 MiB.
        while size / Int64(blockSize) > 30_000, blockSize < 32 << 20 { blockSize *= 2 }
    }
}

/// What is to be sealed.
public enum SealInput: Sendable {
    /// A file or directory; a symbolic link stands for what it points to.
    case path(String)
    /// Everything that standard input gives, under a name.
    case standardInput(name: String)
    /// A short text, under a name: an acknowledgement, a heartbeat.
    case text(String, name: String)
}

/// What became of sealing.
public struct SealReport: Sendable {
    /// The transfer id.
    public let transferID: TransferID
    /// The digest over the blocks (`cep.md`, section 6.2).
    public let contentDigest: Digest
    /// The number of data blocks.
    public let blocks: Int
    /// The number of bytes that went in.
    public let contentBytes: Int64
    /// The number of bytes of the envelope.
    public let sealedBytes: Int64
    /// Files that grew while they were read; what they held at the beginning is sealed.
    public let grown: [String]
    /// Things in a directory that no envelope can hold (sockets, pipes, devices), which were left out.
    public internal(set) var leftOut: [String]
    /// Symbolic links that lead out of the directory; a careful receiver refuses them.
    public internal(set) var outsideLinks: [String]
}
