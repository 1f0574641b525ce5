import Fabric
import Testing

@testable import Hub

@Suite("Channels and frames", .timeLimit(.minutes(5)))
struct ChannelTests {
    @Test("A channel is opened, filled, read and closed", arguments: StoreKind.allCases)
    func life(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        let opened = try await store.open(
            ChannelDraft(agent: "alice", target: "bob", intent: "chat", metadata: #"{"a" : 1}"#))
        #expect(opened.id.wholeMatch(of: /ch-[0-9a-f]{16}/) != nil)
        #expect(opened.hash.wholeMatch(of: /[0-9a-f]{32}/) != nil)
        #expect(opened.openedAt == subject.clock.now)
        subject.clock.advance(seconds: 1)
        let payload = #"{ "é" : "\u0000 𝄞", "n": 1.50 }"#
        let first = try await store.append(FrameDraft(channel: opened.id, payload: payload))
        let second = try await store.append(FrameDraft(channel: opened.id, payload: "null"))
        #expect([first.sequence, second.sequence] == [0, 1])
        #expect(first.hash != second.hash)
        let page = try await store.frames(of: opened.id, limit: 10)
        #expect(page.frames.map(\.payload) == [payload, "null"])
        #expect(page.frames.map(\.hash) == [first.hash, second.hash])
        #expect(page.frames.map(\.intent) == ["chat", "chat"])
        #expect(page.next == nil)
        let channel = try #require(try await store.channel(opened.id))
        #expect(channel.metadata == #"{"a" : 1}"#)
        #expect(channel.frames == 2)
        #expect(channel.bytes == Int64(payload.utf8.count + 4))
        #expect(channel.lastActivity == subject.clock.now)
        #expect(channel.isOpen)
        let closed = try await store.close(channel: opened.id, reason: "client_close", consuming: false)
        #expect(closed.closeReason == "client_close")
        #expect(closed.chainLength == 4)
        #expect(
            await failure {
                try await store.append(FrameDraft(channel: opened.id, payload: "1"))
            } == .channelClosed(opened.id))
        let again = try await store.close(channel: opened.id, reason: "again", consuming: false)
        #expect(again.closeReason == "again")
        #expect(again.chainLength == 5)
        await store.close()
    }

    @Test("What is not there is said so", arguments: StoreKind.allCases)
    func unknown(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        #expect(try await store.channel("ch-0") == nil)
        #expect(try await store.view(channel: "ch-0", marks: true) == nil)
        #expect(
            await failure {
                try await store.append(FrameDraft(channel: "ch-0", payload: "1"))
            } == .unknownChannel("ch-0"))
        #expect(
            await failure {
                try await store.close(channel: "ch-0", reason: "", consuming: true)
            } == .unknownChannel("ch-0"))
        #expect(
            await failure {
                try await store.frames(of: "ch-0", limit: 1)
            } == .unknownChannel("ch-0"))
    }

    @Test("The 33rd channel of one agent is refused until another is closed", arguments: StoreKind.allCases)
    func limit(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let ids = try await withThrowingTaskGroup(of: String?.self) { group in
            for _ in 0..<40 { group.addTask { try? await subject.channel() } }
            return try await group.reduce(into: []) { ids, id in ids += id.map { [$0] } ?? [] }
        }
        #expect(ids.count == 32)
        let draft = ChannelDraft(agent: "alice", target: "bob", intent: "")
        #expect(
            await failure { try await subject.store.open(draft) }
                == .tooManyChannels(agent: "alice", limit: 32))
        _ = try await subject.channel(from: "carol")
        _ = try await subject.store.close(channel: ids[0], reason: "", consuming: false)
        // Closing it again gives no second place.
        _ = try await subject.store.close(channel: ids[0], reason: "", consuming: false)
        _ = try await subject.store.open(draft)
        #expect(await failure { try await subject.store.open(draft) } != nil)
    }

    @Test("Lists are by side, filter and intent, in the order of opening, in pages", arguments: StoreKind.allCases)
    func lists(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        let one = try await subject.channel(intent: "a")
        let two = try await subject.channel(intent: "b")
        let three = try await subject.channel(intent: "a")
        _ = try await subject.channel(from: "carol", to: "dave")
        try await subject.append(["1"], to: three)
        _ = try await store.close(channel: one, reason: "", consuming: false)
        _ = try await store.close(channel: three, reason: "", consuming: false)
        func ids(_ query: ChannelQuery) async throws -> [String] { try await store.channels(query).map(\.id) }
        #expect(try await ids(ChannelQuery(.towards("bob"))) == [two])
        #expect(try await ids(ChannelQuery(.towards("bob"), filter: .openOrUnsettled)) == [two, three])
        #expect(try await ids(ChannelQuery(.towards("bob"), filter: .all)) == [one, two, three])
        #expect(try await ids(ChannelQuery(.towards("bob"), filter: .all, intent: "a")) == [one, three])
        #expect(try await ids(ChannelQuery(.towards("bob"), filter: .openOrUnsettled, intent: "a")) == [three])
        #expect(try await ids(ChannelQuery(.openedBy("alice"))) == [two])
        #expect(try await ids(ChannelQuery(.openedBy("bob"), filter: .all)) == [])
        let page = try await store.channels(ChannelQuery(.openedBy("alice"), filter: .all, limit: 2))
        #expect(page.map(\.id) == [one, two])
        let rest = ChannelQuery(.openedBy("alice"), filter: .all, after: try #require(page.last).position)
        #expect(try await ids(rest) == [three])
    }

    @Test("Pages of frames follow each other without a gap", arguments: StoreKind.allCases)
    func pages(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind) { $0.answerBytes = 100 }
        let channel = try await subject.channel()
        let payloads = (0..<25).map { "\"\($0)\"" } + [String(repeating: "1", count: 500), "2"]
        try await subject.append(payloads, to: channel)
        var after: Int64? = -1
        var seen: [String] = []
        while let next = after {
            let page = try await subject.store.frames(of: channel, after: next, limit: 10)
            #expect((1...10).contains(page.frames.count))
            seen += page.frames.map(\.payload)
            after = page.next
        }
        #expect(seen == payloads)
    }

    @Test("A reader that never leases sees every frame, ten at a time", arguments: StoreKind.allCases)
    func readers(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        let channel = try await subject.channel()
        try await subject.append((0..<25).map { "\($0)" }, to: channel)
        _ = try await store.close(channel: channel, reason: "continuityd_send_done", consuming: false)
        var seen: [String] = []
        for round in 0..<3 {
            let listed = try await store.channels(ChannelQuery(.towards("bob"), filter: .openOrUnsettled))
            #expect(listed.map(\.id) == [channel])
            let view = try #require(try await store.view(channel: channel, marks: true))
            #expect(view.recent.allSatisfy { $0.state == .waiting })
            // Looking twice shows the same.
            #expect(try await store.view(channel: channel, marks: true)?.recent == view.recent)
            seen += view.recent.map(\.payload)
            let closed = try await store.close(channel: channel, reason: "consumer_received", consuming: true)
            #expect(closed.unsettled == [15, 5, 0][round])
        }
        #expect(seen == (0..<25).map { "\($0)" })
        #expect(try await store.channels(ChannelQuery(.towards("bob"), filter: .openOrUnsettled)) == [])
        let view = try #require(try await store.view(channel: channel, marks: true))
        #expect(view.recent.map(\.payload) == (15..<25).map { "\($0)" })
        #expect(view.chain.count == 27)
        #expect(try await store.load(of: MailboxName(.mux, of: "bob")) == MailboxLoad(unsettled: 0, bytes: 0))
    }

    @Test("Who closes without having read consumes nothing", arguments: StoreKind.allCases)
    func closingUnread(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let channel = try await subject.channel()
        try await subject.append(["1", "2"], to: channel)
        _ = try await subject.store.view(channel: channel, marks: false)
        let closed = try await subject.store.close(channel: channel, reason: "", consuming: true)
        #expect(closed.unsettled == 2)
        #expect(try await subject.lease(10).count == 2)
    }

    @Test("Sequences have no gap and no double, however many append at once", arguments: StoreKind.allCases)
    func concurrentAppends(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let channel = try await subject.channel()
        let sequences = try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 0..<200 {
                group.addTask {
                    try await subject.store.append(FrameDraft(channel: channel, payload: "\(number)")).sequence
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(sequences.sorted() == Array(0..<200))
        #expect(try await subject.store.channel(channel)?.frames == 200)
    }
}
