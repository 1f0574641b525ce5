import Fabric
import Foundation
import Testing

@Suite("Spellings of a public key")
struct PublicKeySpellingTests {
    static let bytes = (0..<32).map { UInt8($0 * 7 % 256) }
    static let hex = Hex.encode(bytes)
    static let base64 = Data(bytes).base64EncodedString()

    @Test(
        "Every spelling of a registry gives the same bytes",
        arguments: [
            hex, hex.uppercased(), "ed25519:" + hex, "ed25519:" + base64, base64, "  \(hex)\n", "\ted25519:\(base64) ",
        ])
    func accepted(text: String) { #expect(PublicKey(anySpelling: text)?.bytes == Self.bytes) }

    @Test(
        "Anything else is no key",
        arguments: [
            "", "ed25519:", String(hex.dropLast()), hex + "0", String(base64.dropLast()), base64 + "=",
            "ed25519:ed25519:" + hex, "ED25519:" + hex, "rsa:" + hex, Data(bytes.dropLast()).base64EncodedString(),
            Data(bytes + [1]).base64EncodedString(), "ed25519:AAAA", hex.replacingOccurrences(of: "0", with: "g"),
            base64.replacingOccurrences(of: "=", with: "") + " =", String(repeating: "a", count: 100_000),
        ])
    func refused(text: String) { #expect(PublicKey(anySpelling: text) == nil) }

    @Test("Base64 whose last digit has bits to spare is strict")
    func strict() {
        // 32 bytes leave four bits of the last digit without a meaning: 'A' and 'B' would decode alike.
        let zeros = String(repeating: "A", count: 43) + "="
        #expect(PublicKey(anySpelling: zeros)?.bytes == [UInt8](repeating: 0, count: 32))
        #expect(PublicKey(anySpelling: String(repeating: "A", count: 42) + "B=") == nil)
    }
}
