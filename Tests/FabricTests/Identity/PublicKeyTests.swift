import Testing

@testable import Fabric

@Suite("Keys and signatures")
struct PublicKeyTests {
    private struct Vectors: Decodable {
        let envelopes: [Envelope]
    }

    private struct Envelope: Decodable {
        let signedBytesHex: String?
        let manifest: Manifest

        enum CodingKeys: String, CodingKey {
            case signedBytesHex = "manifest_signed_bytes_hex"
            case manifest
        }
    }

    private struct Manifest: Decodable {
        let senderKey: String
        let signature: String

        enum CodingKeys: String, CodingKey {
            case senderKey = "sender_pubkey"
            case signature = "manifest_sig"
        }
    }

    @Test func thePeersManifestSignaturesHold() throws {
        var checked = 0
        for envelope in try VectorFile(name: "envelope.json").decode(Vectors.self).envelopes {
            guard let hex = envelope.signedBytesHex else { continue }
            let key = try #require(PublicKey(hex: envelope.manifest.senderKey))
            let signature = try #require(Signature(hex: envelope.manifest.signature))
            var message = try #require(Hex.decode(hex, count: hex.utf8.count / 2))
            #expect(key.verifies(signature, over: message))
            message[0] ^= 1
            #expect(!key.verifies(signature, over: message))
            checked += 1
        }
        #expect(checked > 0)
    }

    /// RFC 8032, section 7.1, tests 1 and 2.
    @Test(arguments: [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ])
    func theStandardsVectors(seed: String, message: String, publicKey: String, signature: String) throws {
        let key = try SigningKey(seed: try #require(Hex.decode(seed, count: 32)))
        let bytes = try #require(Hex.decode(message, count: message.utf8.count / 2))
        #expect(key.publicKey.hex == publicKey)
        #expect(key.sign(bytes).hex == signature)
        #expect(key.publicKey.verifies(key.sign(bytes), over: bytes))
    }

    @Test func signaturesThatMustNotHold() throws {
        let key = try SigningKey(seed: Array(0..<32))
        let signature = key.sign([1])
        for index in [0, 31, 32, 63] {
            var bytes = signature.bytes
            bytes[index] ^= 1
            #expect(!key.publicKey.verifies(Signature(checked: bytes), over: [1]))
        }
        // A key of small order would let one signature hold for many messages.
        let smallOrder = try #require(PublicKey(bytes: [1] + [UInt8](repeating: 0, count: 31)))
        let anySignature = Signature(checked: [1] + [UInt8](repeating: 0, count: 63))
        #expect(!smallOrder.verifies(anySignature, over: [1]))
    }

    @Test func textFormsAreStrict() {
        let hex = String(repeating: "0a", count: 32)
        #expect(PublicKey(hex: hex)?.hex == hex)
        #expect(PublicKey(hex: hex.uppercased()) == nil)
        #expect(PublicKey(hex: String(hex.dropLast(2))) == nil)
        #expect(PublicKey(bytes: [1, 2]) == nil)
        #expect(Signature(hex: hex) == nil)
        #expect(Signature(bytes: [UInt8](repeating: 0, count: 65)) == nil)
    }

    @Test func aSeedOfAnotherSizeIsRefused() {
        #expect(throws: IdentityError.self) { try SigningKey(seed: [1, 2, 3]) }
    }

    @Test func freshKeysDiffer() throws {
        #expect(try SigningKey.generate().publicKey != SigningKey.generate().publicKey)
    }
}
