import Testing

@testable import Fabric

@Suite("Writing surface names")
struct SurfaceBuilderTests {
    static let moment = Timestamp(iso8601: "2026-05-14T06:41:48Z")!

    @Test func defaultsAreThoseOfSend() throws {
        let name = try SurfaceBuilder().name(at: Self.moment)
        #expect(name.text == "20260514t064148z.tcd-send.claude.normal.tza")
        #expect(SurfaceName(parsing: name.text).surface == (try SurfaceBuilder().surface(at: Self.moment)))
    }

    @Test(arguments: [
        (SurfaceBuilder.Time.date, "2026-05-14"), (.minute, "2026-05-14t06-41z"), (.second, "20260514t064148z"),
        (.text("2020-02-29"), "2020-02-29"), (.text("2020-02-29T06-41Z"), "2020-02-29t06-41z"),
    ])
    func formsOfTime(time: SurfaceBuilder.Time, expected: String) throws {
        #expect(try SurfaceBuilder(time: time).surface(at: Self.moment).timeFragment == expected)
    }

    @Test func operatorTextIsNormalised() throws {
        let surface = try SurfaceBuilder(context: "Session_Resume 2", profile: "GPT", priority: "Urgent").surface()
        #expect(surface.context == "session-resume-2")
        #expect(surface.profile == "gpt")
        #expect(surface.priority == "urgent")
    }

    @Test(arguments: [
        (SurfaceBuilder(context: "d\u{e9}mo"), "U+00E9"), (SurfaceBuilder(context: "a/b"), "'/'"),
        (SurfaceBuilder(context: "a.b"), "'.'"), (SurfaceBuilder(context: "a\nb"), "U+000A"),
        (SurfaceBuilder(context: "a\r\nb"), "U+000D U+000A"), (SurfaceBuilder(profile: "\u{212a}it"), "profile"),
        (SurfaceBuilder(priority: ""), "priority is empty"),
        (SurfaceBuilder(context: String(repeating: "c", count: 33)), "33 bytes where 32"),
        (SurfaceBuilder(profile: String(repeating: "c", count: 17)), "17 bytes where 16"),
        (SurfaceBuilder(priority: String(repeating: "c", count: 17)), "17 bytes where 16"),
        (SurfaceBuilder(time: .text("today")), "'today' is not a surface time"),
        (SurfaceBuilder(time: .text("")), "is not a surface time"),
        (SurfaceBuilder(time: .text("2026-05-14T06:41Z")), "is not a surface time"),
    ])
    func whatCannotBeWrittenIsRefused(builder: SurfaceBuilder, part: String) {
        let error = #expect(throws: SurfaceError.self) { try builder.name() }
        #expect(error?.description.contains(part) == true, "\(String(describing: error))")
        #expect(error?.category == .usage)
        #expect(error?.description.contains("\n") == false)
    }

    @Test func limitsAreThoseOfTheTighterGrammar() throws {
        let longest = SurfaceBuilder(
            context: String(repeating: "c", count: 32), profile: String(repeating: "p", count: 16),
            priority: String(repeating: "r", count: 16))
        let name = SurfaceName(parsing: try longest.name().text)
        #expect(name.conformance == .conforming)
        #expect(name.notes.isEmpty)
    }
}
