import Testing

@testable import Fabric

@Suite("JSON")
struct JSONTests {
    @Test(
        "What is read is written again as it was",
        arguments: [
            #"{"b":1,"a":[true,false,null,"x"],"n":-0.50,"e":1E+2}"#, "[]", "{}", #""é / \" \\ \n""#,
            "12345678901234567890",
        ])
    func unchanged(text: String) throws {
        #expect(try JSONValue(parsing: text).text(.compact) == text)
    }

    @Test("Python's spellings")
    func python() throws {
        let value = try JSONValue(parsing: #"{"z":"é\ud83d\ude00\u007f/","a":[1,1.50,1e2,1e-7,-0,1e16],"e":{},"l":[]}"#)
        #expect(
            value.text(.python)
                == #"{"z": "\u00e9\ud83d\ude00\u007f/", "a": [1, 1.5, 100.0, 1e-07, 0, 1e+16], "e": {}, "l": []}"#)
        #expect(
            value.text(.sortedPython)
                == #"{"a": [1, 1.5, 100.0, 1e-07, 0, 1e+16], "e": {}, "l": [], "z": "\u00e9\ud83d\ude00\u007f/"}"#)
        #expect(
            try JSONValue(parsing: #"{"a":[1,{"b":[]}],"c":{}}"#).text(.indentedPython)
                == "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}")
    }

    @Test(
        "What is no JSON is refused",
        arguments: [
            "", " ", "{", "[1", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "01", "1.", "-", "+1", ".5", "1e", "tru", "nul",
            "NaN", "Infinity", "\"", "\"\\x\"", "\"\\u12\"", "\"\\u+123\"", "\"\\ud800\"", "\"\\udc00\"",
            "\"\\ud800\\u0041\"", "\"\u{1}\"", "1 2", "[1]]", String(repeating: "[", count: 65),
        ])
    func refused(text: String) {
        #expect(throws: JSONFault.self) { try JSONValue(parsing: text) }
    }

    @Test("Bytes that are not UTF-8 are refused")
    func notUTF8() {
        #expect(throws: JSONFault.self) { try JSONValue(parsing: [0x22, 0xff, 0x22]) }
    }

    @Test("Of a key that comes twice the last value counts, and keys are compared as bytes")
    func keys() throws {
        let value = try JSONValue(parsing: "{\"a\":1,\"b\":2,\"a\":3,\"\u{e9}\":4,\"e\u{301}\":5}")
        #expect(value["a"]?.integer == 3)
        #expect(value.object?.members.count == 4)
        #expect(value["\u{e9}"]?.integer == 4)
        #expect(value["e\u{301}"]?.integer == 5)
        var object = try #require(value.object)
        object["a"] = nil
        #expect(object["b"]?.integer == 2)
        #expect(object.keys.first == "b")
    }
}
