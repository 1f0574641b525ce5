internal import CSodium

/// An Ed25519 public key: 32 bytes, shown as 64 lower-case hexadecimal digits.
public struct PublicKey: Hashable, Sendable, CustomStringConvertible {
    /// The 32 raw bytes.
    public let bytes: [UInt8]

    /// The number of bytes in a public key.
    public static let byteCount = 32

    /// A key from exactly 32 raw bytes; nil for any other number.
    public init?(bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// A key from exactly 64 lower-case hexadecimal digits; nil for anything else.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex, count: Self.byteCount) else { return nil }
        self.bytes = bytes
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String { Hex.encode(bytes) }

    /// The SHA-256 of the 32 bytes, as in `identity.json` (`envelope.md`, section 7).
    public var fingerprint: Digest { Digest(of: bytes) }

    public var description: String { hex }

    /// Whether `signature` was made over `message` with the private key that belongs to this one.
    ///
    /// Pure Ed25519 (RFC 8032), without context and without prehashing (`envelope.md`, section 5).
    public func verifies(_ signature: Signature, over message: [UInt8]) -> Bool {
        // Sodium needs no initialisation for verification, and refuses small-order keys itself.
        crypto_sign_verify_detached(signature.bytes, message, UInt64(message.count), bytes) == 0
    }
}

/// An Ed25519 signature: 64 bytes, shown as 128 lower-case hexadecimal digits.
public struct Signature: Hashable, Sendable, CustomStringConvertible {
    /// The 64 raw bytes.
    public let bytes: [UInt8]

    /// The number of bytes in a signature.
    public static let byteCount = 64

    /// A signature from exactly 64 raw bytes; nil for any other number.
    public init?(bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// A signature from exactly 128 lower-case hexadecimal digits; nil for anything else.
    public init?(hex: String) {
        guard let bytes = Hex.decode(hex, count: Self.byteCount) else { return nil }
        self.bytes = bytes
    }

    init(checked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// 128 lower-case hexadecimal digits.
    public var hex: String { Hex.encode(bytes) }

    public var description: String { hex }
}
