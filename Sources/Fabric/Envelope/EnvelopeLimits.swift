/// How much of what an envelope claims is believed before anything is allocated (`envelope.md`, section 13).
public struct EnvelopeLimits: Sendable {
    /// The longest manifest that is read, in bytes.
    public var manifestBytes = 16 << 20
    /// The largest number of data blocks.
    public var blocks = 65_535
    /// The most bytes that unpacking may write; nil bounds them by what was signed alone.
    public var unpackedBytes: UInt64?

    /// How many files, folders and links a tar may hold.
    public var unpackedEntries = 4_000_000
    /// How many things may stand side by side at the top of what is unpacked.
    public var unpackedTopLevel = 65_535
    /// How many bytes the paths of all folders in a tar may have together.
    public var unpackedFolderBytes = 256 << 20

    /// The most bytes of content that fit into one envelope: 65,535 blocks of 32 MiB.
    static let contentBytes: Int64 = 65_535 * (32 << 20)

    /// The longest path in a tar, in bytes, and its greatest depth. Sealing keeps to them as well.
    static let pathBytes = 4095
    static let pathDepth = 256

    /// The defaults: 16 MiB of manifest, 65,535 blocks, four million things in a tar, and no bound of the
    /// reader's own on the size of what is unpacked.
    public init() {}

    /// The most values that a manifest within these limits has need of: some thirteen per block, and room for keys
    /// that only others know.
    var manifestValues: Int { blocks * 16 + 4096 }
}
