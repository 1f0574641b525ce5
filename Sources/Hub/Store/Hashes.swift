internal import Fabric

/// The hashes that the peers call `tbz_hash` (`mux.md`, section 1): 32 hexadecimal digits over channel, payload and
/// clock. They prove nothing, and nobody can compute them again.
enum Hashes {
    static func hash(channel: String, payload: String, at microseconds: Int64) -> String {
        // The zero bytes keep the parts apart: none of them has one.
        Hex.encode(ShortHash.hash(channel + "\0" + String(microseconds) + "\0" + payload))
    }
}
