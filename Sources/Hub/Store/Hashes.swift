internal import Fabric

/// The hashes that the peers call `tbz_hash` (`mux.md`, section 1): 32 hexadecimal digits over channel, payload and
/// clock. They prove nothing.
enum Hashes {
    static func hash(channel: String, payload: String, at microseconds: Int64) -> String {
        var hasher = DigestHasher()
        for part in [channel, payload, String(microseconds)] {
            // The zero byte keeps the parts apart: none of them has one.
            var part = part + "\0"
            part.withUTF8 { hasher.update(UnsafeRawBufferPointer($0)) }
        }
        return Hex.encode(hasher.finish().bytes.prefix(16))
    }
}
