import Testing

@testable import Fabric

@Suite struct SignedReceiptTextTests {
    private let key: SigningKey
    private let receipt: SignedReceipt

    init() throws {
        key = try SigningKey(seed: [UInt8](repeating: 7, count: 32))
        receipt = SignedReceipt(
            of: Digest(of: Array("abc".utf8)), storedAs: ArrivalName("a.tza")!, by: key,
            at: Timestamp(iso8601: "2026-05-14T09:20:00Z")!)
    }

    /// The lines that are signed, as `docs/carriers.md` has them.
    @Test func theSignedTextIsTheDocumentedOne() {
        let lines = """
            TIBET-RECEIPT-V1
            ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c
            2026-05-14T09:20:00Z
            ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
            a.tza

            """
        #expect(key.publicKey.verifies(receipt.signature, over: Array(lines.utf8)))
        #expect(receipt.isGenuine)
    }

    @Test func theTextFormIsReadBack() {
        #expect(SignedReceipt(parsing: receipt.text) == receipt)
        #expect(receipt.text.hasPrefix("TIBET-RECEIPT-V1 ea4a6c63"))
    }

    @Test func anyChangeIsNoticed() throws {
        var wrong = 0
        for index in receipt.text.indices {
            var text = receipt.text
            let character = text[index] == "0" ? "1" : "0"
            text.replaceSubrange(index...index, with: character)
            guard let read = SignedReceipt(parsing: text) else { continue }
            #expect(!read.isGenuine, "\(text)")
            wrong += 1
        }
        #expect(wrong > 100)
    }

    @Test func malformedTextsAreNotReceipts() {
        let text = receipt.text
        for bad in [
            "", "TIBET-RECEIPT-V1", text + "|x", text.replacing("V1", with: "V2"),
            text.replacing("a.tza", with: "../a"),
            text.replacing("|", with: ":"), text.uppercased(), text + " ", String(repeating: "x", count: 5000),
            text.replacing("09:20:00Z", with: "09:20:00.5Z"),
        ] {
            #expect(SignedReceipt(parsing: bad) == nil, "\(bad)")
        }
    }

    @Test func proofs() {
        func proof(_ signed: SignedReceipt?, as name: String = "a.tza", _ expected: PublicKey?) -> ReceiptProof {
            DeliveryReceipt(
                strength: .stored, route: Route(scheme: "http", address: "http://h"), storedName: name,
                farDigest: nil, signed: signed
            ).proof(of: Digest(of: Array("abc".utf8)), receiver: expected)
        }
        #expect(proof(receipt, key.publicKey) == .proven(by: key.publicKey))
        #expect(proof(nil, key.publicKey) == .unsigned)
        #expect(proof(receipt, as: "b.tza", key.publicKey) == .invalid)
        #expect(proof(receipt, nil) == .unknownSigner(key.publicKey))
        #expect(proof(receipt, nil).notice == nil)
        #expect(proof(receipt, as: "b.tza", nil).notice?.contains("is wrong") == true)
    }
}
