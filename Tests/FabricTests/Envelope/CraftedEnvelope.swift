import SystemPackage

@testable import Fabric

/// An envelope that somebody signed properly, whatever it says.
struct CraftedEnvelope {
    /// One block with what its entry claims.
    struct Block {
        var name: String
        var stored: [UInt8]
        var encoding = BlockEntry.Encoding.none
        var decodedSize: UInt64?
        var decodedDigest: Digest?
        var contentName: String?
    }

    var layout = Manifest.Layout.files
    var blocks: [Block]

    /// Files as peers lay them out, each holding one byte.
    init(named names: [String]) {
        blocks = names.map { Block(name: $0, stored: [7]) }
    }

    init(layout: Manifest.Layout, _ blocks: [Block]) {
        self.layout = layout
        self.blocks = blocks
    }

    /// A directory whose tar is `tar`.
    init(tar: TarImage) {
        self.init(layout: .tar, [Block(name: "tree.tar", stored: tar.closed)])
    }

    /// One file, compressed, with the claims that it takes to be honest.
    init(compressed content: [UInt8], as name: String = "content") throws {
        self.init(
            layout: .file,
            [
                Block(
                    name: name + ".zst", stored: try Self.frame(content), encoding: .zstd,
                    decodedSize: UInt64(content.count), decodedDigest: Digest(of: content), contentName: name)
            ])
    }

    /// A zstd frame of `content`.
    static func frame(_ content: [UInt8]) throws -> [UInt8] {
        let room = Memory(byteCount: Zstd.bound(content.count))
        let compressor = try ZstdCompressor(level: 1)
        let count = try content.withUnsafeBytes { bytes throws(EnvelopeError) in
            try compressor.compress(bytes, into: room.bytes)
        }
        return Array(room.read(count))
    }

    /// The signed file.
    func bytes(signedBy key: SigningKey) -> [UInt8] {
        let entries = blocks.enumerated().map { offset, block in
            let digest = Digest(of: block.stored)
            let index = UInt32(offset + 1)
            return BlockEntry(
                index: index, name: block.name, size: UInt32(block.stored.count), digest: digest,
                signature: key.sign(BlockEntry.signedBytes(digest: digest, name: block.name, index: index)),
                encoding: block.encoding, decodedSize: block.decodedSize ?? UInt64(block.stored.count),
                decodedDigest: block.decodedDigest, contentName: block.contentName)
        }
        var options = SealOptions(senderName: "mallory.aint")
        options.contentLayout = layout
        let manifest = ManifestDraft(options: options, key: key, blocks: entries).signed()
        var bytes: [UInt8] = [0x54, 0x42, 0x5a, 0x01]
        bytes += Self.length(blocks.count + 1) + Self.length(manifest.count) + manifest
        for block in blocks { bytes += Self.length(block.stored.count) + block.stored }
        return bytes
    }

    static func length(_ number: Int) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }
}

extension EnvelopeError {
    var isUnsafeName: Bool { if case .unsafeName = self { true } else { false } }
    var isBadArchive: Bool { if case .badArchive = self { true } else { false } }
    var isOverLimit: Bool { if case .overLimit = self { true } else { false } }
}
