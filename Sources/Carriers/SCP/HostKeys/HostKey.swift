internal import Crypto
internal import Fabric

/// The public key that a host showed.
struct HostKey: Equatable {
    /// The key as it goes over the wire (RFC 4253, section 6.6): what known_hosts has in base64.
    let blob: [UInt8]
    /// Its type, for example `ssh-ed25519`: the first text in the blob.
    let type: String

    /// A key from its blob; nil when that does not begin with a type.
    init?(blob: [UInt8]) {
        var reader = WireReader(blob)
        guard let name = reader.string(), !name.isEmpty, let type = String(validating: name, as: UTF8.self) else {
            return nil
        }
        self.blob = blob
        self.type = type
    }

    /// As ssh shows it: `SHA256:` and base64 without padding.
    var fingerprint: String {
        let text = Base64.encode(Digest(of: blob).bytes)
        return "SHA256:" + text.prefix { $0 != "=" }
    }

    /// The key types that libssh2 1.10 can check and that are not broken, the preferred ones first. It knows `ssh-rsa` as
    /// well, but only signed with SHA-1, which no current server does.
    static let usableTypes = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"]
}

/// Reads the primitive types of the SSH protocol (RFC 4251, section 5).
struct WireReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func byte() -> UInt8? { rest.popFirst() }

    mutating func uint32() -> UInt32? {
        guard let bytes = take(4) else { return nil }
        return bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func string() -> [UInt8]? {
        guard let count = uint32() else { return nil }
        return take(Int(count))
    }

    mutating func take(_ count: Int) -> [UInt8]? {
        guard count <= rest.count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    /// `bytes` as a string of the protocol: its length, then itself.
    static func string(_ bytes: some Collection<UInt8>) -> [UInt8] { uint32(UInt32(bytes.count)) + bytes }

    static func uint32(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xff), UInt8(value >> 8 & 0xff), UInt8(value & 0xff)]
    }
}
