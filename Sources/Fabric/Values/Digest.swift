internal import Crypto

/// A SHA-256 digest: 32 bytes, shown as 64 lower-case hexadecimal digits.
///
/// The digest of a whole sealed envelope is the one identity that a carrier can check, since it may not open the
/// envelope; the digests of single blocks are what the manifest signs (`envelope.md`, section 3).
public struct Digest: Hashable, Sendable, CustomStringConvertible {
    /// The 32 raw bytes.
    public let bytes: [UInt8]

    /// The number of bytes in a digest.
    public static let byteCount = 32

    /// A digest from its raw bytes, or nil unless there are exactly 32.
    public init?(bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// A digest from exactly 64 lower-case hexadecimal digits; nil for anything else.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex, count: Self.byteCount) else { return nil }
        self.bytes = bytes
    }

    /// The digest of bytes that are at hand.
    public init(of bytes: some Sequence<UInt8>) {
        var hasher = DigestHasher()
        Array(bytes).withUnsafeBytes { hasher.update($0) }
        self = hasher.finish()
    }

    init(checked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String { Hex.encode(bytes) }

    /// The first eight hexadecimal digits, as used in the fifth part of a surface name (`surface.md`, R10).
    public var shortHex: String { Hex.encode(bytes.prefix(4)) }

    public var description: String { "sha256:" + hex }
}

/// SHA-256 over bytes that arrive piece by piece.
///
/// swift-crypto rather than libsodium: four times as fast here, with the processor's own instructions.
public struct DigestHasher: Sendable {
    private var hasher = SHA256()

    /// A hasher that has seen no bytes.
    public init() {}

    /// Adds `bytes` to what has been hashed.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hasher.update(bufferPointer: bytes)
    }

    /// The digest of everything added so far. The hasher can go on afterwards.
    public func finish() -> Digest {
        Digest(checked: Array(hasher.finalize()))
    }
}
