import Testing

@testable import Fabric

@Suite("Names in a lane")
struct ArrivalNameTests {
    @Test(arguments: [
        "a", "A_b-9.tza", "2026-05-14.demo.claude.normal.tza", "part", "a.parts", "a.",
        String(repeating: "x", count: 200),
    ])
    func safeNames(text: String) {
        #expect(ArrivalName(text)?.text == text)
    }

    @Test(arguments: [
        "", ".", "..", ".hidden", "-option", "a..b", "a/b", "a\\b", "a b", "a\n", "a\u{0}", "caf\u{e9}", "a:b", "a~",
        "x.part", "x.PART", "x.tmp", "x.writing", "x.inflight", "x.tza.Part", String(repeating: "x", count: 201),
    ])
    func unsafeNames(text: String) {
        #expect(ArrivalName(text) == nil)
    }

    @Test func digitsGoBeforeTheSuffix() {
        let name = ArrivalName("2026-05-14.demo.claude.normal.tza")
        #expect(name?.distinguished(by: "1a2b3c4d")?.text == "2026-05-14.demo.claude.normal.1a2b3c4d.tza")
        #expect(ArrivalName("notes")?.distinguished(by: "1a2b3c4d")?.text == "notes.1a2b3c4d")
        #expect(ArrivalName(String(repeating: "x", count: 192))?.distinguished(by: "1a2b3c4d") == nil)
    }

    @Test func candidatesBecomeLonger() {
        let digest = Digest(of: [])
        let candidates = ArrivalName("a.tza")?.candidates(for: digest).map(\.text)
        #expect(candidates == ["a.tza", "a.e3b0c442.tza", "a.e3b0c44298fc1c14.tza", "a.\(digest.hex).tza"])
    }
}
