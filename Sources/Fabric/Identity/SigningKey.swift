internal import CSodium
internal import Glibc

/// An Ed25519 private key, held in memory that is fenced by guard pages, locked against swapping as far as the limit of
/// locked memory goes, and zeroed when the last user lets go of it.
public final class SigningKey: @unchecked Sendable {
    // @unchecked: the pointer is sodium's; it is written in the initialisers only, and read-only memory afterwards.
    private let secret: UnsafeMutablePointer<UInt8>

    /// The public half.
    public let publicKey: PublicKey

    /// The number of bytes in a seed, which is what identity files hold.
    public static let seedByteCount = Int(crypto_sign_SEEDBYTES)

    /// A new key from the system's random numbers.
    ///
    /// - Throws: `IdentityError.noSecureMemory` when the memory for it cannot be had.
    public static func generate() throws(IdentityError) -> SigningKey {
        try SigningKey { seed throws(IdentityError) in
            guard let start = seed.baseAddress else { throw .noSecureMemory }
            randombytes_buf(start, seed.count)
        }
    }

    /// The key that belongs to a seed of exactly 32 bytes.
    ///
    /// For vectors and tests: the caller's array is ordinary memory that this cannot protect.
    public convenience init(seed: [UInt8]) throws(IdentityError) {
        guard seed.count == Self.seedByteCount else { throw .wrongSeedSize("the given seed", seed.count) }
        try self.init { destination throws(IdentityError) in destination.copyBytes(from: seed) }
    }

    /// The key whose seed `fill` writes straight into locked memory.
    init(fill: (UnsafeMutableRawBufferPointer) throws(IdentityError) -> Void) throws(IdentityError) {
        guard sodium_init() >= 0 else { throw .noSecureMemory }
        let size = Int(crypto_sign_SECRETKEYBYTES)
        guard let seed = sodium_malloc(Self.seedByteCount) else { throw .noSecureMemory }
        defer { sodium_free(seed) }
        guard let memory = sodium_malloc(size) else { throw .noSecureMemory }
        secret = memory.bindMemory(to: UInt8.self, capacity: size)
        do {
            try fill(UnsafeMutableRawBufferPointer(start: seed, count: Self.seedByteCount))
        } catch {
            sodium_free(memory)
            throw error
        }
        var publicBytes = [UInt8](repeating: 0, count: PublicKey.byteCount)
        crypto_sign_seed_keypair(&publicBytes, secret, seed.assumingMemoryBound(to: UInt8.self))
        sodium_mprotect_readonly(memory)
        guard let key = PublicKey(bytes: publicBytes) else { throw .noSecureMemory }
        publicKey = key
    }

    deinit { sodium_free(secret) }

    /// The deterministic signature over `message` (RFC 8032; `envelope.md`, section 5).
    public func sign(_ message: [UInt8]) -> Signature {
        var bytes = [UInt8](repeating: 0, count: Signature.byteCount)
        crypto_sign_detached(&bytes, nil, message, UInt64(message.count), secret)
        return Signature(checked: bytes)
    }

    /// Lends the 32 bytes of the seed, which are the first half of sodium's secret key.
    func withSeed<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: secret, count: Self.seedByteCount))
    }
}
