import Testing

@testable import Fabric

@Suite("Reading surface names")
struct SurfaceNameTests {
    /// What the reconciled rules make of a vector where the columns do not say it: the rows whose time has none of
    /// CEP's forms or that have too many parts (tolerated), and the rows where this project is not of the peer's
    /// opinion. Every other row follows from the columns: a surface of the peer that CEP's grammar takes is conforming,
    /// and where the peer has none neither have we.
    static let exceptions: [String: (SurfaceName.Conformance, why: String)] = [
        "2026-05-14t0641z.demo.claude.normal.tza": (.tolerated, "R6: the time has another form"),
        "20260514.demo.claude.normal.tza": (.tolerated, "R6: the time has another form"),
        "x.y.z.w": (.tolerated, "R6: the time has another form"),
        "-.-.-.-": (.tolerated, "R6: the time has another form"),
        "20260514t064148z.message.alice.normal.a.b.tza": (.tolerated, "R6: a sixth part"),
        "20260514t064148z.message.alice.normal.ctx.tza": (.conforming, "R3: an extension and .tza, CEP counts six"),
        "2026-05-14.demo.claude.normal.tza.tza": (.conforming, "R2, R3: one suffix goes, the other is an extension"),
        "2026-05-14.demo.claude.normal.TZA": (.conforming, "R2: the suffix in any case"),
        "2026-05-14.demo.claude.normal.": (.none, "R4: the fifth part is empty; the peer ignores it"),
        "2026-05-14.demo.claude.normal.FOO BAR.tza": (
            .none, "R4: the fifth part is outside the set; the peer ignores it"
        ),
        "2026-05-14.demo.claude.normal.tz\u{430}": (.none, "R4: the fifth part is not ASCII; the peer ignores it"),
        "2026-05-14.demo.claude.normal\n": (.none, "R8: a line feed, which the peer lets through"),
        "2026-05-14.demo.claude.normal.tza\n": (.none, "R8: a line feed, which the peer takes for a fifth part"),
        "2026-05-14." + String(repeating: "c", count: 49) + ".claude.normal.tza":
            (.none, "R4: a context over 48; the peer has no limit"),
        "2026-05-14.demo.claude." + String(repeating: "r", count: 33) + ".tza":
            (.none, "R4: a priority over 32; the peer has no limit"),
    ]

    @Test func everyVectorReadsAsTheRulesSay() throws {
        let rows = try SurfaceVectors.load().names
        #expect(rows.count == 52)
        var unusedExceptions = Set(Self.exceptions.keys)
        for row in rows {
            let read = SurfaceName(parsing: row.name)
            let exception = Self.exceptions[row.name]
            unusedExceptions.remove(row.name)
            let byColumns: SurfaceName.Conformance = row.tibetDrop != nil && row.cepABNF != nil ? .conforming : .none
            #expect(
                read.conformance == exception?.0 ?? byColumns, "\(row.name.debugDescription): \(exception?.why ?? "")")
            if read.conformance == .none {
                #expect(read.surface == nil && read.extension == nil && read.notes.isEmpty)
            } else {
                // The four fields are the peer's, so that the status of a comparison is, too.
                #expect(read.surface == row.tibetDrop?.surface, "\(row.name)")
            }
            if exception == nil, row.tibetDrop != nil { #expect(row.cepABNF != nil, "unexplained: \(row.name)") }
        }
        #expect(unusedExceptions.isEmpty)
    }

    @Test func notesAndExtensions() {
        func read(_ name: String) -> SurfaceName { SurfaceName(parsing: name) }
        #expect(read("2026-05-14.demo.claude.normal.TzA").notes == [.extensionCase])
        #expect(read("2026-05-14.demo.claude.normal.tza").notes.isEmpty)
        #expect(read("2026-05-14.demo.claude.normal.tza").extension == nil)
        #expect(read("2026-05-14.demo.claude.normal.1a2b3c4d.tza").extension == "1a2b3c4d")
        #expect(read("2026-05-14.demo.claude.normal.tza.tza").extension == "tza")
        let long = String(repeating: "c", count: 33)
        #expect(read("2026-05-14.\(long).claude.normal.TZA").notes == [.extensionCase, .overlong])
        #expect(read("2026-05-14.\(long.dropFirst()).claude.normal.tza").notes.isEmpty)
    }

    @Test func theLengthOfTheWholeNameCounts() {
        // Sixth and later parts are not looked at, so they bring a name to any length.
        func name(ofLength length: Int) -> String {
            let start = "2026-05-14.demo.claude.normal."
            let padding = Array(repeating: "xxxxxxxxx.", count: 20).joined().prefix(length - start.utf8.count - 1)
            return start + padding + "x"
        }
        #expect(SurfaceName(parsing: name(ofLength: 180)).notes.isEmpty)
        #expect(SurfaceName(parsing: name(ofLength: 181)).notes == [.overlong])
        #expect(SurfaceName(parsing: name(ofLength: 200)).conformance == .tolerated)
        #expect(SurfaceName(parsing: name(ofLength: 201)).conformance == .none)
    }

    @Test(arguments: [
        "2026-05-14.demo.claude.normal.a/b", "2026-05-14.demo.claude.normal.a.b\\c",
        "2026-05-14.demo.claude.normal.a.b\u{0}",
        "2026-05-14.demo.claude.normal.a.b\u{7f}", "2026-05-14.demo.claude.normal.a.b\u{85}",
        "2026-05-14.demo.claude.normal..a",
    ])
    func namesThatNoSurfaceHas(name: String) {
        #expect(SurfaceName(parsing: name).conformance == .none)
    }

    @Test func bytesThatAreNotUTF8AreNoSurface() {
        let name = Array("2026-05-14.demo.claude.normal.a.b".utf8) + [0xff]
        #expect(SurfaceName(parsing: name).conformance == .none)
        #expect(SurfaceName(parsing: name.dropLast()).conformance == .tolerated)
    }

    @Test(arguments: [
        ("2026-05-14", true), ("2026-05-14t06-41z", true), ("20260514t064148z", true), ("2026-99-99", true),
        ("2026-05-14t06-41", false), ("20260514t0641z", false), ("20260514", false), ("0000-00-0a", false), ("", false),
    ])
    func formsOfTime(fragment: String, isCEP: Bool) {
        #expect(SurfaceGrammar.isCEPTime(fragment.utf8) == isCEP)
    }

    @Test func theDayOfATime() {
        #expect(SurfaceGrammar.day(of: "2026-05-14") == "2026-05-14")
        #expect(SurfaceGrammar.day(of: "2026-05-14t06-41z") == "2026-05-14")
        #expect(SurfaceGrammar.day(of: "20260514t064148z") == "2026-05-14")
        #expect(SurfaceGrammar.day(of: "20260514") == nil)
    }
}
