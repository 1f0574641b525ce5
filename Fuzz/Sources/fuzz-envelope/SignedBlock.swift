@testable import Fabric

/// A block of an attacker who signs whatever it likes.
struct SignedBlock {
    let name: String
    let content: [UInt8]
    let encoding: BlockEntry.Encoding
    let decodedSize: UInt64
    let contentName: String?
    /// What the content decodes to, where that is known.
    var decoded: [UInt8]?

    /// The bytes of an envelope of these blocks, properly signed.
    static func envelope(_ blocks: [SignedBlock], layout: Manifest.Layout) -> [UInt8] {
        var options = SealOptions(senderName: "mallory")
        options.contentLayout = layout
        let entries = blocks.enumerated().map { $1.entry(UInt32($0 + 1)) }
        let manifest = ManifestDraft(options: options, key: Arena.key, blocks: entries).signed()
        var bytes: [UInt8] = [0x54, 0x42, 0x5a, 0x01] + be(blocks.count + 1) + be(manifest.count) + manifest
        for block in blocks { bytes += be(block.content.count) + block.content }
        return bytes
    }

    private func entry(_ index: UInt32) -> BlockEntry {
        let digest = Digest(of: content)
        return BlockEntry(
            index: index, name: name, size: UInt32(content.count), digest: digest,
            signature: Arena.key.sign(BlockEntry.signedBytes(digest: digest, name: name, index: index)),
            encoding: encoding, decodedSize: decodedSize,
            decodedDigest: encoding == .none ? digest : decoded.map { Digest(of: $0) } ?? digest,
            contentName: contentName)
    }

    private static func be(_ number: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
}
