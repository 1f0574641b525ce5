import Fabric
import Testing

@testable import CarrierMux

@Suite("Frames that were dealt with")
struct SeenFramesTests {
    @Test("What was dealt with is known, in any order")
    func adding() {
        var seen = SeenFrames()
        for seq: Int64 in [0, 3, 1] { seen.add("ch-1", seq) }
        #expect(seen["ch-1"].floor == 2 && seen["ch-1"].has(3) && !seen["ch-1"].has(2) && !seen["ch-2"].has(0))
        seen.add("ch-1", 2)
        #expect(seen["ch-1"].floor == 4 && seen["ch-1"].beyond.isEmpty)
        seen.add("ch-1", allBelow: 1_000_000_000)
        #expect(seen["ch-1"].has(999_999_999) && !seen["ch-1"].has(1_000_000_000))
    }

    @Test("What was written is read back, for the same agent and intent only")
    func text() throws {
        var seen = SeenFrames()
        seen.add("ch-1", allBelow: 1000)
        seen.add("ch-1", 1005)
        seen.add("ch-2", 0)
        let text = seen.json(agent: "bob", intent: "i").text(.indentedPython)
        #expect(SeenFrames(try JSONValue(parsing: text), agent: "bob", intent: "i") == seen)
        #expect(SeenFrames(try JSONValue(parsing: text), agent: "eve", intent: "i") == SeenFrames())
        #expect(SeenFrames(try JSONValue(parsing: text), agent: "bob", intent: "j") == SeenFrames())
        #expect(text.utf8.count < 10_000)
    }

    @Test("The peers' file is understood")
    func peersFile() throws {
        let text = """
            {"version": "v0.6.8", "agent": "bob", "intent": "continuityd:inbox", "count": 3,
             "seen": [["ch-b", 0], ["ch-a", 1], ["ch-a", 0], ["../x", 0], ["ch-c", -1], "nonsense"]}
            """
        let seen = SeenFrames(try JSONValue(parsing: text), agent: "bob", intent: "continuityd:inbox")
        #expect(seen.channels.keys.sorted() == ["ch-a", "ch-b"] && seen["ch-a"].floor == 2)
    }

    @Test("Numbers that no honest server gives change nothing, and what an older program wrote of them is read")
    func extremes() throws {
        var seen = SeenFrames()
        for seq: Int64 in [.max, .max - 1, 1 << 53, -1, .min] { seen.add("ch-1", seq) }
        seen.add("ch-1", allBelow: .max)
        seen.add("ch-1", allBelow: .min)
        #expect(seen["ch-1"] == SeenFrames.Channel())
        seen.add("ch-1", allBelow: (1 << 53) - 1)
        seen.add("ch-1", (1 << 53) - 1)
        #expect(seen["ch-1"].floor == 1 << 53)
        let text = """
            {"version": "v0.6.8", "agent": "bob", "intent": "i", "count": 1,
             "seen": [["ch-1", 9223372036854775807], ["ch-2", 0]], "floors": {"ch-1": 9223372036854775807}}
            """
        let read = SeenFrames(try JSONValue(parsing: text), agent: "bob", intent: "i")
        #expect(read["ch-1"].floor == 0 && read["ch-2"].floor == 1)
    }

    @Test("What the server no longer lists is forgotten")
    func pruning() {
        var seen = SeenFrames()
        seen.add("ch-1", 0)
        seen.add("ch-2", 0)
        let hasChanged = seen.keep(only: ["ch-2", "ch-3"])
        #expect(hasChanged && seen.channels.keys.sorted() == ["ch-2"])
        let changesAgain = seen.keep(only: ["ch-2"])
        #expect(!changesAgain)
    }
}
