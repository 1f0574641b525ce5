/// What kind of file the first bytes announce (`envelope.md`, section 11).
public enum EnvelopeFormat: String, Sendable {
    /// The container that this package reads and writes.
    case current
    /// A block stream of the older `tbz` packer, or the bare byte 0x85 that it was taken for.
    case legacy
    /// Begins with `TBZ`, and nobody here knows how it goes on.
    case unknownVersion = "unknown-version"
    /// Something else altogether.
    case other

    /// The number of leading bytes that `classify` wants to see.
    static let prefixByteCount = 12

    /// The format that `prefix`, the first bytes of a file, announces.
    ///
    /// Legacy is told by structure: a little-endian header length between 2 bytes and 1 MiB followed by a JSON object.
    /// The byte 0x85, once documented as a version, is only such a length that happened to be 133.
    public static func classify(_ prefix: some Collection<UInt8>) -> EnvelopeFormat {
        let bytes = Array(prefix.prefix(prefixByteCount))
        guard bytes.starts(with: [0x54, 0x42, 0x5a]) else { return .other }
        guard bytes.count >= 4 else { return .unknownVersion }
        if bytes.count >= 8 {
            let length = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[3 + $1]) << UInt32(8 * $1) }
            if (2...(1 << 20)).contains(length), bytes[7] == UInt8(ascii: "{") { return .legacy }
        }
        switch bytes[3] {
        case 0x01: return .current
        case 0x85: return .legacy
        default: return .unknownVersion
        }
    }
}
