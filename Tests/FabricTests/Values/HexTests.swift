import Testing

@testable import Fabric

@Suite("Hexadecimal text")
struct HexTests {
    @Test func everyByteComesBack() {
        let bytes = Array(UInt8.min...UInt8.max)
        let text = Hex.encode(bytes)
        #expect(text.hasPrefix("000102"))
        #expect(text.hasSuffix("fdfeff"))
        #expect(Hex.decode(text, count: 256) == bytes)
        #expect(Hex.encode([]) == "")
        #expect(Hex.decode("", count: 0) == [])
    }

    @Test(arguments: ["0", "000", "0G", "AB", " 0", "0x", "\u{661}\u{661}", "\u{e9}"])
    func otherTextIsRefused(text: String) {
        #expect(Hex.decode(text, count: 1) == nil)
        #expect(Hex.decode("0001", count: 1) == nil)
    }
}
