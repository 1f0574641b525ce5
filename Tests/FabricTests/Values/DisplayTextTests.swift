import Testing

@testable import Fabric

@Suite("Text that is shown")
struct DisplayTextTests {
    static let hostile: [(String, String)] = [
        ("plain", "plain"), ("é e\u{301} 日本 👍🏽", "é e\u{301} 日本 👍🏽"), ("❤\u{fe0f}", "❤\u{fe0f}"),
        ("a\nb", #"a\nb"#), ("a\r\nb", #"a\r\nb"#), ("\u{1b}[31m", #"\u{1B}[31m"#), ("\u{9b}2J", #"\u{009B}2J"#),
        ("a\u{202e}fdp.exe", #"a\u{202E}fdp.exe"#), ("\u{2066}x\u{2069}", #"\u{2066}x\u{2069}"#),
        ("a\u{200b}b\u{feff}", #"a\u{200B}b\u{FEFF}"#), ("a\u{2028}b\u{2029}", #"a\u{2028}b\u{2029}"#),
        ("\u{7f}", #"\u{7F}"#), ("\u{115f}\u{3164}", #"\u{115F}\u{3164}"#), ("\u{e0041}", #"\u{000E0041}"#),
    ]

    @Test("What moves a cursor, forges a line or cannot be seen is shown as an escape", arguments: hostile)
    func escaped(text: String, shown: String) {
        #expect(Array(DisplayText.line(text).unicodeScalars) == Array(shown.unicodeScalars))
    }

    @Test("It is cut where it is told to be")
    func cut() {
        #expect(DisplayText.line("abcdef", atMost: 3) == "abc…")
        #expect(DisplayText.line("abc", atMost: 3) == "abc")
        #expect(DisplayText.line([0x61, 0xff, 0x0a] as [UInt8]) == "a\u{fffd}\\n")
    }

    @Test("A text keeps its lines, whichever way they end")
    func lines() {
        #expect(DisplayText.lines("one\r\ntwo\nthree\r") == ["one", "two", #"three\r"#])
        #expect(DisplayText.lines("") == [""])
    }

    @Test("JSON stays JSON, and of the same value")
    func json() throws {
        let text = JSONValue.text("a\u{202e}b\u{e0041}\n\u{7f}é").text(.compact)
        let shown = DisplayText.json(text)
        #expect(shown.unicodeScalars.contains(where: DisplayText.isHidden) == false)
        #expect(try JSONValue(parsing: shown).text == "a\u{202e}b\u{e0041}\n\u{7f}é")
    }
}
