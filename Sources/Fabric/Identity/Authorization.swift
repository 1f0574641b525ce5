/// The value of an `Authorization` header in the TIBET-SIG-V1 scheme (`http-inbox.md`, section 3).
///
/// What is signed is the SHA-256 of the body and the timestamp, 52 bytes in all; method, path, name and host are not
/// covered, which is why a receiver keeps a `ReplayMemory`.
package struct Authorization: Sendable, Equatable {
    /// Who signed.
    package let key: PublicKey
    /// When, as the 20 ASCII bytes that were signed.
    package let timestamp: String
    /// When, as an instant.
    package let date: Timestamp
    /// The signature over the body's digest and the timestamp.
    package let signature: Signature

    private static let prefix = "TIBET-SIG-V1 "

    /// Signs a body of which the digest is known, as of `date`.
    package init(signing digest: Digest, with key: SigningKey, at date: Timestamp = .now()) {
        self.key = key.publicKey
        self.date = date
        timestamp = date.iso8601
        signature = key.sign(Self.signedBytes(digest, timestamp))
    }

    /// Reads a header value in the present form (`|`) or the old one (`:`); nil for anything malformed.
    ///
    /// Stricter than the peer in two things: the timestamp has exactly 20 bytes, and white space is not skipped. Upper
    /// case in key and signature is accepted, as the peer does.
    package init?(parsing value: String) {
        guard value.utf8.starts(with: Self.prefix.utf8) else { return nil }
        let parts = Self.parts(of: Array(value.utf8.dropFirst(Self.prefix.utf8.count)))
        guard parts.count == 3,
            let key = PublicKey(hex: Self.lowered(parts[0])),
            let date = Timestamp(iso8601: String(decoding: parts[1], as: UTF8.self)),
            let signature = Signature(hex: Self.lowered(parts[2]))
        else { return nil }
        self.key = key
        self.date = date
        timestamp = date.iso8601
        self.signature = signature
    }

    /// The header value, always with `|`.
    package var headerValue: String { Self.prefix + key.hex + "|" + timestamp + "|" + signature.hex }

    /// Whether the signature belongs to a body with this digest.
    package func verifies(_ digest: Digest) -> Bool {
        key.verifies(signature, over: Self.signedBytes(digest, timestamp))
    }

    /// Whether the timestamp is at most `window` away from `now`, before or after; the limit itself is inside.
    package func isWithin(_ window: Duration, of now: Timestamp) -> Bool {
        let elapsed =
            Duration.seconds(now.seconds - date.seconds)
            + .nanoseconds(Int64(now.nanoseconds) - Int64(date.nanoseconds))
        return elapsed <= window && .zero - elapsed <= window
    }

    private static func signedBytes(_ digest: Digest, _ timestamp: String) -> [UInt8] {
        digest.bytes + Array(timestamp.utf8)
    }

    /// Key, timestamp and signature. A timestamp has colons of its own, so in the old form everything between the
    /// first and the last colon is the timestamp.
    private static func parts(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        let bar = UInt8(ascii: "|")
        let colon = UInt8(ascii: ":")
        if bytes.contains(bar) { return bytes.split(separator: bar, omittingEmptySubsequences: false) }
        guard let first = bytes.firstIndex(of: colon), let last = bytes.lastIndex(of: colon), first < last else {
            return []
        }
        return [bytes[..<first], bytes[(first + 1)..<last], bytes[(last + 1)...]]
    }

    private static func lowered(_ bytes: ArraySlice<UInt8>) -> String {
        let letters = UInt8(ascii: "A")...UInt8(ascii: "F")
        return String(decoding: bytes.map { letters.contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
}
