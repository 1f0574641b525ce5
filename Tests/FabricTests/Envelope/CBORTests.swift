import Foundation
import Testing

@testable import Fabric

@Suite("Canonical CBOR")
struct CBORTests {
    @Test("Every vector encodes to the peer's bytes and reads back")
    func vectors() throws {
        let rows = try #require(VectorFiles.json("cbor.json")["vectors"] as? [[String: Any]])
        #expect(rows.count == 25)
        for row in rows {
            let hex = try #require(row["cbor_hex"] as? String)
            let expected = try #require(Hex.decode(hex, count: hex.utf8.count / 2))
            let value = CBOR(json: row["json"] ?? NSNull())
            #expect(CBOREncoder.encode(value) == expected)
            let decoded = try expected.withUnsafeBytes { try CBORDecoder.decode($0, mostValues: 1000) }
            #expect(CBOREncoder.encode(decoded) == expected)
        }
    }

    @Test(
        "What is not canonical is refused, and why is told apart",
        arguments: [
            ("1801", CBORError.notCanonical("a number is longer than it needs to be")),
            ("190001", .notCanonical("a number is longer than it needs to be")),
            ("1b00000000ffffffff", .notCanonical("a number is longer than it needs to be")),
            ("9f01ff", .notCanonical("indefinite length")),
            ("a26162016161", .notCanonical("map keys are out of order")),
            ("a2616101616102", .notCanonical("the key 'a' stands twice")),
            ("d9d9f7a0", .malformed("a tag stands where a value is expected")),
            ("4101", .malformed("byte strings have no place here")),
            ("f97e00", .malformed("unknown simple value or float (0xf9)")),
            ("0000", .malformed("1 bytes follow the value")),
            ("", .malformed("the bytes end inside a value")),
            ("61", .malformed("a text is longer than what remains")),
            ("61ff", .malformed("a text is not UTF-8")),
            ("9affffffff", .malformed("an array is longer than what remains")),
            ("bb7fffffffffffffff00", .malformed("a map is longer than what remains")),
            ("a10101", .malformed("a map key is not text")),
            ("1c", .malformed("reserved length")),
            ("818181818181818181", .malformed("nested too deeply")),
        ])
    func refusals(hex: String, expected: CBORError) throws {
        let bytes = try #require(Hex.decode(hex, count: hex.utf8.count / 2))
        #expect(throws: expected) {
            try bytes.withUnsafeBytes { try CBORDecoder.decode($0, mostValues: 1000) }
        }
    }

    @Test("The number of values is bounded")
    func manyValues() throws {
        let bytes = [0x99, 0x10, 0x00] + [UInt8](repeating: 0, count: 4096)
        #expect(throws: CBORError.malformed("too many values")) {
            try bytes.withUnsafeBytes { try CBORDecoder.decode($0, mostValues: 4096) }
        }
        _ = try bytes.withUnsafeBytes { try CBORDecoder.decode($0, mostValues: 4097) }
    }

    @Test("Keys that only Unicode takes for equal are two keys")
    func canonicalEquivalence() {
        var map = CBORMap()
        map["\u{e9}"] = .unsigned(1)
        map["e\u{301}"] = .unsigned(2)
        #expect(map.pairs.count == 2)
        #expect(map["\u{e9}"]?.unsigned == 1)
    }
}

extension CBOR {
    /// The value that a JSON value of the vectors stands for.
    fileprivate init(json: Any) {
        switch json {
        case let text as String: self = .text(text)
        case let number as NSNumber where CFBooleanLike.isBoolean(number): self = .bool(number.boolValue)
        case let number as NSNumber:
            self = number.int64Value < 0 ? .negative(UInt64(-1 - number.int64Value)) : .unsigned(number.uint64Value)
        case let values as [Any]: self = .array(values.map(CBOR.init(json:)))
        case let fields as [String: Any]:
            var map = CBORMap()
            for (key, value) in fields { map[key] = CBOR(json: value) }
            self = .map(map)
        default: self = .null
        }
    }
}

private enum CFBooleanLike {
    /// Foundation reads JSON booleans as numbers whose C type is `char`.
    static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
