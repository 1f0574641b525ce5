internal import CSodium

/// BLAKE2b cut to 128 bits, by libsodium: for hashes that only tell things apart and that no peer computes again. It
/// takes a fraction of SHA-256's time where the processor has no instructions for that.
package enum ShortHash {
    /// Bytes of a hash.
    package static let length = 16

    /// The hash of a text's UTF-8.
    package static func hash(_ text: consuming String) -> [UInt8] {
        var hash = [UInt8](repeating: 0, count: length)
        text.withUTF8 { bytes in
            // Cannot fail: 16 bytes are a length that BLAKE2b has, and there is no key.
            _ = crypto_generichash(&hash, length, bytes.baseAddress, UInt64(bytes.count), nil, 0)
        }
        return hash
    }
}
