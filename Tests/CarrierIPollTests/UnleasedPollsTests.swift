import Fabric
import Testing

@testable import CarrierIPoll

/// Who holds which message until when, with the time given from outside.
@Suite("Messages held in this process")
struct UnleasedPollsTests {
    private let start = ContinuousClock.now

    private func polls(_ ids: String...) throws -> UnleasedPolls {
        var polls = UnleasedPolls()
        polls.add(try ids.map { try #require(PollMessage(["id": .text($0)])) }, at: start)
        return polls
    }

    private func take(_ polls: inout UnleasedPolls, at now: ContinuousClock.Instant) throws -> (PollMessage, UInt64) {
        let taken = polls.take(at: now, for: .seconds(60))
        return try #require(taken)
    }

    private func taken(_ polls: inout UnleasedPolls, after time: Duration = .zero) -> String? {
        polls.take(at: start + time, for: .seconds(60))?.0.id
    }

    @Test("Messages come in order, each to one taker at a time")
    func order() throws {
        var polls = try polls("a", "b")
        #expect(taken(&polls) == "a")
        #expect(taken(&polls) == "b")
        #expect(taken(&polls, after: .seconds(59)) == nil)
        #expect(taken(&polls, after: .seconds(60)) == "a")
    }

    @Test("A lease ends unless it is extended, and what ended belongs to the next")
    func leases() throws {
        var polls = try polls("a")
        let first = try take(&polls, at: start)
        polls.hold("a", first.1, until: start + .seconds(100))
        #expect(polls.isHeld("a", first.1, at: start + .seconds(99)))
        #expect(!polls.isHeld("a", first.1, at: start + .seconds(100)))
        let second = try take(&polls, at: start + .seconds(100))
        #expect(!polls.isHeld("a", first.1, at: start + .seconds(101)))
        #expect(polls.isHeld("a", second.1, at: start + .seconds(101)))
    }

    @Test("What is given back comes at its time, after what can be had before")
    func givenBack() throws {
        var polls = try polls("a", "b")
        let first = try take(&polls, at: start)
        polls.giveBack("a", first.1, due: start + .seconds(10))
        #expect(!polls.isHeld("a", first.1, at: start))
        #expect(taken(&polls, after: .seconds(9)) == "b")
        #expect(taken(&polls, after: .seconds(9)) == nil)
        #expect(taken(&polls, after: .seconds(10)) == "a")
    }

    @Test("What a server gives twice is known once, until it is settled")
    func twice() throws {
        var polls = try polls("a")
        _ = polls.take(at: start, for: .seconds(60))
        polls.add([try #require(PollMessage(["id": "a"]))], at: start)
        #expect(taken(&polls) == nil)
        polls.remove("a")
        polls.add([try #require(PollMessage(["id": "a"]))], at: start)
        #expect(taken(&polls) == "a")
    }
}
