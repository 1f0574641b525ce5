internal import FoundationEssentials

/// The content of `identity.json` (`envelope.md`, section 7): what others may know of an identity.
struct IdentityDescription {
    /// The name under `aint`; nil where the file has none.
    let name: String?
    /// The public key as the file has it; nil where it has none.
    let publicKeyHex: String?
    /// The fingerprint as the file has it; nil where it has none.
    let fingerprintHex: String?

    /// The largest file that is read, in bytes; a real one has under 2000.
    static let sizeLimit = 64 << 10

    init(name: String, key: PublicKey) {
        self.name = name
        publicKeyHex = key.hex
        fingerprintHex = key.fingerprint.hex
    }

    /// Reads the file's bytes; unknown members are ignored, as the peers ignore them.
    init?(json: [UInt8]) {
        guard json.count <= Self.sizeLimit, let wire = try? JSONDecoder().decode(Wire.self, from: Data(json)) else {
            return nil
        }
        name = wire.aint
        publicKeyHex = wire.publicKeyHex
        fingerprintHex = wire.fingerprintHex
    }

    /// The text as `tibet-drop` writes it, byte for byte: two spaces of indent, pure ASCII, no newline at the end.
    var json: String {
        let members = [("aint", name), ("pubkey_hex", publicKeyHex), ("fingerprint_hex", fingerprintHex)]
        let lines = members.map { "  \"\($0)\": " + ($1.map(EscapedJSON.quote) ?? "null") }
        return "{\n" + lines.joined(separator: ",\n") + "\n}"
    }

    /// Whether nothing in the file contradicts `key`.
    func belongs(to key: PublicKey) -> Bool {
        (publicKeyHex ?? key.hex) == key.hex && (fingerprintHex ?? key.fingerprint.hex) == key.fingerprint.hex
    }

    private struct Wire: Decodable {
        let aint: String?
        let publicKeyHex: String?
        let fingerprintHex: String?

        enum CodingKeys: String, CodingKey {
            case aint
            case publicKeyHex = "pubkey_hex"
            case fingerprintHex = "fingerprint_hex"
        }
    }
}
