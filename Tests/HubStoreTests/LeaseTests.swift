import Fabric
import Testing

@testable import Hub

@Suite("Leases and settlements", .timeLimit(.minutes(5)))
struct LeaseTests {
    @Test("What is held is offered to nobody else, oldest first", arguments: StoreKind.allCases)
    func exclusive(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let channel = try await subject.channel()
        try await subject.append(["1", "2", "3"], to: channel)
        let first = try await subject.lease(2)
        #expect(first.map(\.item.payload) == ["1", "2"])
        #expect(first.map(\.item.deliveries) == [1, 1])
        #expect(first.map(\.item.agent) == ["alice", "alice"])
        #expect(Set(first.map(\.id)).count == 2)
        #expect(try await subject.lease(2).map(\.item.payload) == ["3"])
        let none = try await subject.store.leaseFrames(.bob, intent: nil)
        #expect(none.leases.isEmpty)
        #expect(none.nextDue == first[0].until)
        // Nor is it shown to those who only look.
        #expect(try await subject.store.view(channel: channel, marks: true)?.recent == [])
        #expect(try await subject.store.waitingFrames(agent: "bob", intent: nil, limit: 10) == [])
    }

    @Test("A lease that is over is offered again, and its holder is told", arguments: StoreKind.allCases)
    func expiry(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        try await subject.append(["1"], to: try await subject.channel())
        let lost = try #require(try await subject.lease(seconds: 10).first)
        subject.clock.advance(seconds: 9)
        #expect(try await subject.lease().isEmpty)
        subject.clock.advance(seconds: 1)
        #expect(await settle(subject, lost.id, .commit) == .failure(.leaseLost(lost.id)))
        let again = try #require(try await subject.lease().first)
        #expect(again.item.deliveries == 2)
        #expect(again.id != lost.id)
        for settlement in [.commit, .extend(.seconds(5)), .release(after: .zero), .refuse("no")] as [Settlement] {
            #expect(await settle(subject, lost.id, settlement) == .failure(.leaseLost(lost.id)))
        }
        #expect(await settle(subject, again.id, .commit) == .success(.committed))
    }

    @Test("Extending holds it for that long from now", arguments: StoreKind.allCases)
    func extending(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        try await subject.append(["1"], to: try await subject.channel())
        let lease = try #require(try await subject.lease(seconds: 10).first)
        for _ in 0..<3 {
            subject.clock.advance(seconds: 9)
            let until = Timestamp(microseconds: subject.clock.now.microseconds + 10_000_000)
            #expect(await settle(subject, lease.id, .extend(.seconds(10))) == .success(.leased(until: until)))
        }
        #expect(try await subject.lease().isEmpty)
        #expect(await settle(subject, lease.id, .commit) == .success(.committed))
        #expect(
            await settle(subject, lease.id, .extend(.seconds(10)))
                == .failure(.settledOtherwise(lease.id, .commit)))
    }

    @Test("The same settlement twice is harmless, another is refused", arguments: StoreKind.allCases)
    func twice(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let channel = try await subject.channel()
        let all: [Settlement] = [.commit, .release(after: .seconds(5)), .refuse("bad")]
        for first in all {
            try await subject.append(["1"], to: try await subject.channel(from: "sender\(first)", to: "bob"))
            let lease = try #require(try await subject.lease().first)
            let told = try await subject.store.settle(lease: lease.id, agent: "bob", first)
            let again = try await subject.store.settle(lease: lease.id, agent: "bob", first)
            #expect(told.outcome == again.outcome)
            for other in all where !other.isAlike(first) {
                let failure = await settle(subject, lease.id, other)
                guard case .failure(.settledOtherwise(lease.id, let said)) = failure else {
                    Issue.record("\(first), then \(other): \(failure)")
                    continue
                }
                #expect(said.isAlike(first))
            }
        }
        #expect(try await subject.store.channel(channel)?.isOpen == true)
    }

    @Test("What is released comes again after its rest, also to others", arguments: StoreKind.allCases)
    func release(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        try await subject.append(["1", "2"], to: try await subject.channel())
        let one = try #require(try await subject.lease().first)
        let due = Timestamp(microseconds: subject.clock.now.microseconds + 30_000_000)
        #expect(await settle(subject, one.id, .release(after: .seconds(30))) == .success(.waiting(from: due)))
        #expect(try await subject.lease().map(\.item.payload) == ["2"])
        #expect(try await subject.lease().isEmpty)
        subject.clock.advance(seconds: 30)
        let again = try #require(try await subject.lease().first)
        #expect(again.item.payload == "1")
        // Somebody else has it now, and still the first release was heard.
        guard case .success(.waiting) = await settle(subject, one.id, .release(after: .zero)) else {
            Issue.record("the release is forgotten")
            return
        }
        #expect(
            await settle(subject, one.id, .commit)
                == .failure(.settledOtherwise(one.id, .release(after: .zero))))
        // At once, it stands where it stood.
        #expect(
            try await subject.store.settle(lease: again.id, agent: "bob", .release(after: .zero)).outcome
                == .waiting(from: subject.clock.now))
        #expect(try await subject.lease().map(\.item.payload) == ["1"])
    }

    @Test("What is refused is never offered again, and is kept with the reason", arguments: StoreKind.allCases)
    func refusal(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let channel = try await subject.channel()
        try await subject.append(["1", "2"], to: channel)
        let leases = try await subject.lease(2)
        let refused = try await subject.store.settle(lease: leases[0].id, agent: "bob", .refuse("no name"))
        #expect(refused == Settled(outcome: .refused, closedChannel: nil))
        subject.clock.advance(seconds: 86400)
        let frame = try #require(try await subject.store.frames(of: channel, limit: 1).frames.first)
        #expect(frame.state == .refused)
        #expect(frame.reason == "no name")
        #expect(try await subject.lease().map(\.item.payload) == ["2"])
    }

    @Test("A lease is its mailbox's alone, and made-up ones are unknown", arguments: StoreKind.allCases)
    func strangers(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        try await subject.append(["1"], to: try await subject.channel())
        let lease = try #require(try await subject.lease().first)
        #expect(
            await failure {
                try await subject.store.settle(lease: lease.id, agent: "mallory", .commit)
            } == .unknownLease(lease.id))
        let number = try #require(LeaseName(lease.id)).number
        let guessed = LeaseName(token: String(repeating: "0", count: 32), number: number).text
        #expect(await settle(subject, guessed, .commit) == .failure(.leaseLost(guessed)))
        for text in ["", "ls-", "ls-0-1", "ls-\(String(repeating: "0", count: 32))-9", lease.id + "0", "x\0"] {
            #expect(await settle(subject, text, .commit) == .failure(.unknownLease(text)), "\(text)")
        }
        #expect(await settle(subject, lease.id, .commit) == .success(.committed))
    }

    @Test("Many leases are settled at once, each for itself", arguments: StoreKind.allCases)
    func many(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let channel = try await subject.channel()
        try await subject.append((0..<5).map { "\($0)" }, to: channel)
        let ids = try await subject.lease(5).map(\.id)
        _ = try await subject.store.settle(lease: ids[1], agent: "bob", .refuse("bad"))
        let results = try await subject.store.settle(
            leases: [ids[0], ids[1], "ls-x", ids[2], ids[2], ids[3]], agent: "bob", .commit)
        let outcomes = results.map { try? $0.get().outcome }
        #expect(outcomes == [.committed, nil, nil, .committed, .committed, .committed])
        #expect(try await subject.store.channel(channel)?.unsettled == 1)
        #expect(try await subject.store.settle(leases: [], agent: "bob", .commit).isEmpty)
    }

    @Test("The last settlement closes the channel, unless it is to stay open", arguments: StoreKind.allCases)
    func closing(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        for (staysOpen, isRefused) in [(false, false), (false, true), (true, false)] {
            let channel = try await subject.channel(staysOpen: staysOpen)
            try await subject.append(["1", "2"], to: channel)
            let leases = try await subject.lease(2)
            let first = try await subject.store.settle(
                lease: leases[0].id, agent: "bob", isRefused ? .refuse("bad") : .commit)
            #expect(first.closedChannel == nil)
            let last = try await subject.store.settle(lease: leases[1].id, agent: "bob", .commit)
            let state = try #require(try await subject.store.channel(channel))
            #expect(last.closedChannel == (staysOpen ? nil : channel))
            #expect(state.isOpen == staysOpen)
            #expect(state.closeReason == (staysOpen ? nil : isRefused ? "consumer_refused" : "consumer_received"))
            #expect(state.refused == (isRefused ? 1 : 0))
        }
    }

    @Test("Intents, kinds and types are chosen by", arguments: StoreKind.allCases)
    func filters(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        try await subject.append(["chat"], to: try await subject.channel(intent: "chat"))
        try await subject.append(["inbox"], to: try await subject.channel())
        #expect(try await subject.lease(intent: "continuityd:inbox").map(\.item.payload) == ["inbox"])
        #expect(try await subject.lease(intent: "other").isEmpty)
        #expect(try await subject.lease(intent: nil).map(\.item.payload) == ["chat"])
        try await subject.push("plain")
        try await subject.push("fork", type: .task, kind: .fork)
        try await subject.push("ack", type: .ack, kind: .fork)
        let forks = MessageFilter(kinds: [.fork], types: [.task])
        #expect(try await subject.store.leaseMessages(.bob, filter: forks).leases.map(\.item.content) == ["fork"])
        let none = MessageFilter(kinds: [], types: nil)
        #expect(try await subject.store.leaseMessages(.bob, filter: none).leases.isEmpty)
        #expect(try await subject.store.leaseMessages(.bob).leases.map(\.item.content) == ["plain", "ack"])
    }

    @Test("Two stores over one PostgreSQL hand out each item once")
    func twoStores() async throws {
        let subject = try await StoreSubject.make(.postgres)
        let other = try await subject.another()
        let count = 400
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                let store = number.isMultiple(of: 2) ? subject.store : other
                group.addTask {
                    let channel = try await store.open(
                        ChannelDraft(agent: "sender\(number)", target: "bob", intent: "x", staysOpen: true))
                    for item in 0..<(count / 8) {
                        _ = try await store.append(FrameDraft(channel: channel.id, payload: "\"\(number) \(item)\""))
                    }
                }
            }
            try await group.waitForAll()
        }
        let taken = try await withThrowingTaskGroup(of: [String].self) { group in
            for number in 0..<8 {
                let store = number.isMultiple(of: 2) ? subject.store : other
                group.addTask {
                    var taken: [String] = []
                    while true {
                        let request = LeaseRequest(agent: "bob", limit: 1 + number)
                        let leases = try await store.leaseFrames(request, intent: "x").leases
                        if leases.isEmpty { return taken }
                        // By the other store than the one that gave it.
                        let settling = number.isMultiple(of: 2) ? other : subject.store
                        for result in try await settling.settle(leases: leases.map(\.id), agent: "bob", .commit) {
                            #expect(try result.get().outcome == .committed)
                        }
                        taken += leases.map(\.item.payload)
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        // A row that another has just locked is passed over, so an answer can be empty before all is done.
        let rest = try await subject.lease(100)
        #expect(taken.count + rest.count == count)
        #expect(Set(taken + rest.map(\.item.payload)).count == count)
        await other.close()
    }

    /// The outcome of settling for `bob`.
    private func settle(
        _ subject: StoreSubject, _ id: String, _ settlement: Settlement
    ) async -> Result<Settled.Outcome, StoreError> {
        do throws(StoreError) {
            return .success(try await subject.store.settle(lease: id, agent: "bob", settlement).outcome)
        } catch {
            return .failure(error)
        }
    }
}
