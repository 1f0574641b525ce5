public import SystemPackage

/// The envelope that an acknowledgement is about.
public struct ReferencedEnvelope: Sendable, Equatable {
    /// Its name.
    public let name: String
    /// Its transfer id; nil where only the name is known.
    public let transferID: TransferID?
    /// The SHA-256 of the sealed envelope; nil likewise.
    public let digest: Digest?

    /// An envelope of which only the name is known.
    public init(name: String) {
        self.name = name
        (transferID, digest) = (nil, nil)
    }

    /// An envelope that was verified up to its manifest.
    package init(name: String, manifest: Manifest, digest: Digest) {
        self.name = name
        transferID = manifest.transferID
        self.digest = digest
    }

    /// The envelope in the file at `path`, verified up to its manifest. Blocks.
    public init(file path: FilePath) throws(EnvelopeError) {
        let envelope = try EnvelopeFile(path: path)
        if let fault = try envelope.verifyBlocks().faults.first { throw .fault(fault) }
        name = path.lastComponent?.string ?? path.string
        transferID = envelope.manifest.transferID
        digest = try envelope.digest()
    }

    /// The first 12 letters or digits of its name, `unknown` where there is none. Others than ASCII's make no surface
    /// name, so they are left out (`daemon.md`, section 14).
    public var shortID: String {
        let short = name.lowercased().utf8.filter {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        return short.isEmpty ? "unknown" : String(decoding: short.prefix(12), as: UTF8.self)
    }
}
