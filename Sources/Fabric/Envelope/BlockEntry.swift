/// One data block as the manifest describes it (`envelope.md`, section 3).
public struct BlockEntry: Sendable {
    /// How the bytes of a block are to be read.
    public enum Encoding: String, Sendable {
        /// As they are.
        case none
        /// As one zstd frame.
        case zstd
    }

    /// 1 for the first data block; the manifest is 0 and is not listed.
    public let index: UInt32
    /// A relative path with `/` separators, free text until it was checked for unpacking.
    public let name: String
    /// The number of stored bytes.
    public let size: UInt32
    /// The SHA-256 of the stored bytes (`content_sha256`).
    public let digest: Digest
    /// The signature over `signedBytes`.
    public let signature: Signature
    /// How to read the stored bytes; `none` for blocks of peers, which have no such key.
    public let encoding: Encoding
    /// The number of bytes after decoding.
    public let decodedSize: UInt64
    /// The SHA-256 after decoding; nil for blocks of peers.
    public let decodedDigest: Digest?
    /// The path of the content that this block, or this part of it, decodes to; nil when it is `name`.
    public let contentName: String?

    /// The path of the content that this block belongs to.
    public var content: String { contentName ?? name }

    /// What a block signature is made over: digest ‖ name ‖ index (`envelope.md`, section 5).
    static func signedBytes(digest: Digest, name: String, index: UInt32) -> [UInt8] {
        digest.bytes + Array(name.utf8) + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: index >> $0) }
    }

    /// The CBOR map of this entry. The four keys beyond the peers' are left out where they say nothing new.
    func encoded(withExtensions: Bool) -> CBOR {
        var map = CBORMap()
        map["index"] = .unsigned(UInt64(index))
        map["name"] = .text(name)
        map["content_sha256"] = .text(digest.hex)
        map["size_bytes"] = .unsigned(UInt64(size))
        map["ed25519_sig"] = .text(signature.hex)
        if withExtensions {
            map["encoding"] = .text(encoding.rawValue)
            map["decoded_size"] = .unsigned(decodedSize)
            map["decoded_sha256"] = (decodedDigest ?? digest).cbor
            if let contentName { map["content_name"] = .text(contentName) }
        }
        return .map(map)
    }
}

extension BlockEntry {
    /// Reads one entry of the manifest's `blocks`.
    init(reading value: CBOR, at position: Int) throws(EnvelopeFault) {
        guard case .map(let map) = value else { throw Self.schema(position, "is not a map") }
        guard let index = map["index"]?.unsigned else { throw Self.schema(position, "has no index") }
        guard index == UInt64(position) else {
            throw EnvelopeFault(.blockIndex, block: position, "the entry says that it is block \(index)")
        }
        guard let name = map["name"]?.text else { throw Self.schema(position, "has no name") }
        guard let size = map["size_bytes"]?.unsigned, let size = UInt32(exactly: size) else {
            throw Self.schema(position, "has no size_bytes of 32 bits")
        }
        guard let digest = map["content_sha256"]?.text.flatMap(Digest.init(hex:)) else {
            throw Self.schema(position, "has no content_sha256 of 64 lower-case hexadecimal digits")
        }
        guard let signature = map["ed25519_sig"]?.text.flatMap(Signature.init(hex:)) else {
            throw Self.schema(position, "has no ed25519_sig of 128 lower-case hexadecimal digits")
        }
        self.index = UInt32(position)
        self.name = name
        self.size = size
        self.digest = digest
        self.signature = signature
        (encoding, decodedSize, decodedDigest) = try Self.decoding(map, at: position, size: size, digest: digest)
        contentName = map["content_name"]?.text
    }

    private static func decoding(
        _ map: CBORMap, at position: Int, size: UInt32, digest: Digest
    ) throws(EnvelopeFault) -> (Encoding, UInt64, Digest?) {
        guard let value = map["encoding"] else { return (.none, UInt64(size), nil) }
        guard let encoding = value.text.flatMap(Encoding.init(rawValue:)) else {
            throw schema(position, "has an encoding that is neither none nor zstd")
        }
        guard let decodedSize = map["decoded_size"]?.unsigned,
            let decodedDigest = map["decoded_sha256"]?.text.flatMap(Digest.init(hex:))
        else { throw schema(position, "has an encoding without decoded_size and decoded_sha256") }
        if encoding == .none, decodedSize != UInt64(size) || decodedDigest != digest {
            throw schema(position, "is not encoded, and yet differs from its decoded form")
        }
        return (encoding, decodedSize, decodedDigest)
    }

    private static func schema(_ position: Int, _ what: String) -> EnvelopeFault {
        EnvelopeFault(.manifestSchema, block: position, "the entry " + what)
    }
}

extension Digest {
    var cbor: CBOR { .text(hex) }
}
