import Testing

@testable import Fabric

@Suite("Transfer ids")
struct TransferIDTests {
    @Test func freshOnesAreUUIDsOfVersion7() throws {
        let time = try #require(Timestamp(iso8601: "2026-05-14T06:41:48Z"))
        for _ in 0..<200 {
            let text = TransferID.generate(at: time).text
            let characters = Array(text)
            // 1,778,740,908,000 milliseconds, then the version.
            #expect(text.hasPrefix("019e2538-4fe0-7"))
            #expect("89ab".contains(characters[19]))
            #expect(TransferID(text)?.text == text)
        }
        #expect(TransferID.generate() != TransferID.generate())
    }

    @Test(arguments: ["ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000"])
    func idsWithoutVersionBitsAreRead(text: String) {
        #expect(TransferID(text)?.description == text)
    }

    @Test(arguments: [
        "", "ffffffffffffffffffffffffffffffff", "FFFFFFFF-ffff-ffff-ffff-ffffffffffff",
        "ffffffff-ffff-ffff-ffff-fffffffffff", "ffffffff-ffff-ffff-ffff-fffffffffffff",
        "fffffff-fffff-ffff-ffff-ffffffffffff", "gfffffff-ffff-ffff-ffff-ffffffffffff",
        "{ffffffff-ffff-ffff-ffff-ffffffffffff}", "ffffffff-ffff-ffff-ffff-ffffffffffff\n",
    ])
    func anythingElseIsRefused(text: String) {
        #expect(TransferID(text) == nil)
    }
}
