import CarrierIPoll
import Fabric
import Testing

/// What was dealt with stays known.
@Suite("Seen messages")
struct SeenPollsTests {
    private func set(_ scratch: Scratch, server: String = "http://s", at moment: Timestamp = .now()) -> SeenPolls {
        SeenPolls(in: scratch.path, server: server, mailbox: "bob", at: moment)
    }

    @Test("What was remembered is known to the next process, and to one that runs")
    func durable() throws {
        let scratch = try Scratch()
        let (one, other) = (set(scratch), set(scratch))
        try one.remember("../../etc/passwd")
        try one.remember("../../etc/passwd")
        #expect(one.contains("../../etc/passwd") && !one.contains("other"))
        #expect(other.contains("../../etc/passwd"))
        #expect(set(scratch).contains("../../etc/passwd"))
        #expect(!set(scratch, server: "http://t").contains("../../etc/passwd"))
    }

    @Test("After longer than any server keeps messages they are forgotten")
    func forgotten() throws {
        let scratch = try Scratch()
        let now = Timestamp.now()
        let old = Timestamp(seconds: now.seconds - (SeenPolls.daysKept + 2) * 86400)
        try set(scratch, at: old).remember("old", at: old)
        try set(scratch).remember("new")
        let later = set(scratch)
        #expect(!later.contains("old") && later.contains("new"))
        let folder = try #require(scratch.names().first)
        #expect(scratch.names(folder).count == 1)
    }
}
