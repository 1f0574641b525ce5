import Testing

@testable import Fabric

@Suite("JSON that is kept as it came")
struct JSONDocumentTests {
    static let texts = [
        #"{"b":1,"a":[true,false,null,"x"],"n":-0.50,"e":1E+2}"#, "[]", "{}", #""é / \" \\ \n""#,
        #" { "z" : "é\ud83d\ude00\u007f\/\u0000" , "a":[1, 1.50,1e2,1e-7,-0,1e16],"e":{},"l":[ ] } "#, " 12 ", "null",
    ]

    @Test("It is written as the tree of the same text is written", arguments: texts)
    func styles(text: String) throws {
        let document = try JSONDocument(checking: Array(text.utf8))
        let tree = try JSONValue(parsing: text)
        for style in [JSONStyle.compact, .spaced, .python, .sortedPython, .indentedPython] {
            #expect(document.text(style) == tree.text(style))
        }
        for style in [JSONStyle.compact, .spaced, .python] {
            #expect(document.length(style) == tree.text(style).utf8.count)
        }
        #expect(document.value.text(.compact) == tree.text(.compact))
    }

    @Test("Members and elements are found, of a key that comes twice the last")
    func members() throws {
        let text = #"{"a":1,"b":{"a":[2]},"a":"x","\u0063":[1,[2],{}],"é":true,"n":null}"#
        let document = try JSONDocument(checking: Array(text.utf8))
        #expect(document["a"]?.text == "x" && document["b"]?["a"]?.elements(limit: 1)?.first?.integer == 2)
        #expect(document["c"]?.elements(limit: 3)?.map(\.count) == [1, 3, 2])
        #expect(document["c"]?.elements(limit: 2) == nil && document["c"]?.members(limit: 9) == nil)
        #expect(document["é"]?.bool == true && document["e\u{301}"] == nil && document["x"] == nil)
        #expect(document["n"]?.isNull == true && document["n"]?["a"] == nil)
        #expect(document.members(limit: 6)?.map(\.key) == ["a", "b", "c", "é", "n"])
        #expect(document.members(limit: 6)?.first?.value.text == "x")
        #expect(document.members(limit: 5) == nil)
    }

    @Test(
        "What is no JSON is refused for the same reason as by the tree",
        arguments: [
            "", " ", "{", "[1", "[1,]", "{\"a\"}", "{a:1}", "01", "tru", "\"\\x\"", "\"\\ud800\"", "\"\u{1}\"", "1 2",
            String(repeating: "[", count: 65),
        ])
    func refused(text: String) throws {
        func fault(_ body: () throws -> Void) -> JSONFault? {
            do { try body() } catch { return error as? JSONFault }
            return nil
        }
        let own = fault { _ = try JSONDocument(checking: Array(text.utf8)) }
        #expect(own != nil && own == fault { _ = try JSONValue(parsing: text) })
    }

    @Test(
        "Bytes that are not UTF-8 are refused",
        arguments: [
            [0xff], [0xc0, 0x80], [0xc3], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80],
            [0xf0, 0x80, 0x80, 0x80], [0xe2, 0x82], [0xe2, 0x28, 0xa1], [0x80],
        ] as [[UInt8]])
    func notUTF8(bytes: [UInt8]) {
        #expect(throws: JSONFault.self) { try JSONDocument(checking: [0x22, 0x61] + bytes + [0x22]) }
        #expect(String(validating: bytes, as: UTF8.self) == nil)
    }

    @Test("Every character is taken")
    func characters() throws {
        for scalar in [
            "\u{7f}", "\u{80}", "\u{7ff}", "\u{800}", "\u{d7ff}", "\u{e000}", "\u{ffff}", "\u{10000}", "\u{10ffff}",
        ] {
            let text = "\"12345678\(scalar)9\""
            #expect(try JSONDocument(checking: Array(text.utf8)).text == "12345678\(scalar)9")
        }
    }

    @Test("An object of many members keeps their order and places")
    func many() throws {
        var object = JSONObject()
        for number in 0..<20 { object["\(number)"] = .integer(number) }
        object["3"] = nil
        object["15"] = "x"
        #expect(object["3"] == nil && object["4"]?.integer == 4 && object["15"]?.text == "x")
        #expect(object.keys.count == 19 && object.keys[3] == "4" && object["19"]?.integer == 19)
    }
}
