import Fabric
import Testing

@testable import Hub

@Suite("Messages", .timeLimit(.minutes(5)))
struct MessageTests {
    @Test("A message is kept exactly as it was given", arguments: StoreKind.allCases)
    func exact(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let content = "line\r\n\ttab 'quote' \"double\" \\ ? $1 é 𝄞 \u{1F600} \u{7F}\u{1}"
        let draft = MessageDraft(
            from: "alice", to: "bob", type: .task, kind: .fork, content: content, metadata: #"{"b":1,  "a":2.0}"#,
            session: "s-1", replyTo: "poll-0")
        let pushed = try await subject.store.push(draft)
        #expect(pushed.id.wholeMatch(of: /poll-[0-9a-f]{32}/) != nil)
        let message = try #require(try await subject.store.message(pushed.id))
        #expect(message.content == content)
        #expect(Array(message.content.utf8) == Array(content.utf8))
        #expect(message.metadata == draft.metadata)
        #expect(message.kind == .fork)
        #expect(message.type == .task)
        #expect(message.session == "s-1")
        #expect(message.replyTo == "poll-0")
        #expect(message.status == "pending")
        #expect(message.createdAt == pushed.createdAt)
        #expect(try await subject.store.pull(agent: "bob", limit: 10, marksRead: false) == [message])
        #expect(try await subject.store.pull(agent: "alice", limit: 10, marksRead: false) == [])
    }

    @Test("Pulling marks read what it gives, and nothing else", arguments: StoreKind.allCases)
    func pulling(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        var ids: [String] = []
        for number in 0..<7 { ids.append(try await subject.push("\(number)")) }
        let seen = try await subject.store.pull(agent: "bob", limit: 3, marksRead: false)
        #expect(seen.map(\.id) == Array(ids[0..<3]))
        let rest = try await subject.store.pull(agent: "bob", after: ids[4], limit: 10, marksRead: false)
        #expect(rest.map(\.id) == Array(ids[5...]))
        let lease = try #require(try await subject.store.leaseMessages(LeaseRequest(agent: "bob")).leases.first)
        let read = try await subject.store.pull(agent: "bob", limit: 3, marksRead: true)
        // What is under a lease is not shown.
        #expect(read.map(\.id) == Array(ids[1...3]))
        #expect(try await subject.store.message(ids[1])?.status == "read")
        #expect(try await subject.store.pull(agent: "bob", limit: 9, marksRead: true).map(\.id) == Array(ids[4...]))
        #expect(try await subject.store.settle(lease: lease.id, agent: "bob", .commit).outcome == .committed)
        #expect(try await subject.store.pull(agent: "bob", limit: 9, marksRead: false) == [])
        #expect(try await subject.store.totals().messagesPending == 0)
    }

    @Test("A response settles the message and stores the answer", arguments: StoreKind.allCases)
    func responding(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let id = try await subject.push("question", type: .pull)
        let lease = try #require(try await subject.store.leaseMessages(LeaseRequest(agent: "bob")).leases.first)
        let answer = MessageDraft(from: "bob", to: "alice", type: .push, content: "answer", replyTo: id)
        #expect(
            await failure {
                try await subject.store.respond(to: id, by: "mallory", with: answer)
            } == .unknownMessage(id))
        let pushed = try await subject.store.respond(to: id, by: "bob", with: answer)
        #expect(try await subject.store.message(id)?.status == "responded")
        #expect(try await subject.store.pull(agent: "alice", limit: 9, marksRead: false).map(\.id) == [pushed.id])
        // Its holder says the same once more.
        #expect(try await subject.store.settle(lease: lease.id, agent: "bob", .commit).outcome == .committed)
        #expect(try await subject.store.load(of: MailboxName(.ipoll, of: "bob")).unsettled == 0)
    }

    @Test("History shows both sides, newest first", arguments: StoreKind.allCases)
    func history(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let one = try await subject.push("1")
        let two = try await subject.push("2", from: "bob", to: "alice", type: .ack)
        let three = try await subject.push("3", from: "bob", to: "bob")
        _ = try await subject.push("4", from: "carol", to: "dave")
        _ = try await subject.store.pull(agent: "bob", limit: 9, marksRead: true)
        func ids(_ query: HistoryQuery) async throws -> [String] { try await subject.store.history(query).map(\.id) }
        #expect(try await ids(HistoryQuery(agent: "bob")) == [three, two, one])
        #expect(try await ids(HistoryQuery(agent: "alice")) == [two, one])
        #expect(try await ids(HistoryQuery(agent: "bob", type: .ack)) == [two])
        #expect(try await ids(HistoryQuery(agent: "bob", offset: 1, limit: 1)) == [two])
        let session = try await subject.store.push(
            MessageDraft(from: "bob", to: "eve", type: .push, content: "5", session: "s"))
        #expect(try await ids(HistoryQuery(agent: "eve", session: "s", type: .push)) == [session.id])
        #expect(try await ids(HistoryQuery(agent: "alice", session: "s")) == [])
    }

    @Test("An hour's quota holds exactly, however many push at once", arguments: StoreKind.allCases)
    func quota(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let draft = MessageDraft(from: "alice", to: "bob", type: .push, content: "x", hourlyLimit: 10)
        let accepted = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<40 { group.addTask { (try? await subject.store.push(draft)) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(accepted == 10)
        #expect(try await subject.store.usage(of: "alice", at: subject.clock.now).messages == 10)
        guard
            case .quotaReached("alice", 10, let rest)? = await failure({
                try await subject.store.push(draft)
            })
        else {
            Issue.record("no quota")
            return
        }
        subject.clock.advance(seconds: rest.components.seconds)
        #expect(try await subject.store.push(draft).sentThisHour == 1)
        var none = draft
        none.hourlyLimit = 0
        #expect(await failure { try await subject.store.push(none) } != nil)
    }

    @Test("The same key does a thing once", arguments: StoreKind.allCases)
    func idempotency(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        let other = kind == .postgres ? try await subject.another() : store
        func key(_ text: String, _ agent: String = "alice") -> IdempotencyKey {
            IdempotencyKey(agent: agent, text: text)
        }
        let opened = try await store.open(ChannelDraft(agent: "alice", target: "bob", intent: "x"), key: key("o"))
        let reopened = try await other.open(ChannelDraft(agent: "alice", target: "bob", intent: "x"), key: key("o"))
        #expect(reopened.id == opened.id)
        #expect(reopened.hash == opened.hash)
        #expect(!opened.wasReplay && reopened.wasReplay)
        // Many at once, over two hubs.
        let sequences = try await withThrowingTaskGroup(of: AppendedFrame.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let hub = number.isMultiple(of: 2) ? store : other
                    return try await hub.append(FrameDraft(channel: opened.id, payload: "\(number)"), key: key("a"))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(sequences.map(\.sequence)) == [0])
        #expect(Set(sequences.map(\.hash)).count == 1)
        #expect(sequences.count { !$0.wasReplay } == 1)
        #expect(try await store.channel(opened.id)?.frames == 1)
        let draft = MessageDraft(from: "alice", to: "bob", type: .push, content: "x")
        let pushed = try await store.push(draft, key: key("p"))
        #expect(try await store.push(draft, key: key("p")).id == pushed.id)
        // Of another agent, it is another key; for another thing, it is a mistake.
        #expect(try await store.push(draft, key: key("p", "carol")).id != pushed.id)
        #expect(
            await failure { try await store.push(draft, key: key("a")) }
                == .keyReused("a"))
        subject.clock.advance(seconds: 86400)
        #expect(try await store.push(draft, key: key("p")).wasReplay == false)
    }

    @Test("Texts that PostgreSQL does not take are refused by both", arguments: StoreKind.allCases)
    func hostileTexts(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let channel = try await subject.channel()
        func isUnstorable(_ error: StoreError?) -> Bool { if case .unstorable? = error { true } else { false } }
        #expect(
            isUnstorable(
                await failure {
                    try await subject.store.append(FrameDraft(channel: channel, payload: "\"\0\""))
                }))
        #expect(
            isUnstorable(
                await failure {
                    try await subject.store.push(MessageDraft(from: "a", to: "b", type: .push, content: "\0"))
                }))
        let long = String(repeating: "é", count: 513)
        #expect(
            isUnstorable(
                await failure {
                    try await subject.store.open(ChannelDraft(agent: "alice", target: "bob", intent: long))
                }))
        let texts = [
            "'; DROP TABLE item; --", "\\", "\\x00", "$1 ? ?", "\u{202E}", "\u{FFFF}", "e\u{301}", "", "\n", "%", "_",
        ]
        for text in texts {
            let id = try await subject.push(text, from: "evil" + text, to: "bob" + text)
            #expect(try await subject.store.message(id)?.content.utf8.elementsEqual(text.utf8) == true)
            let pulled = try await subject.store.pull(agent: "bob" + text, limit: 9, marksRead: true)
            #expect(pulled.map(\.id) == [id], "\(text)")
        }
        // Two spellings of one character are two names.
        try await subject.push("1", to: "\u{E9}")
        #expect(try await subject.store.pull(agent: "e\u{301}", limit: 9, marksRead: false) == [])
        let large = String(repeating: "x", count: 3 << 20)
        let id = try await subject.push(large)
        #expect(try await subject.store.message(id)?.content.utf8.count == large.utf8.count)
    }
}
