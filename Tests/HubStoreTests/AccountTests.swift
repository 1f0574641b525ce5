import Fabric
import Testing

@testable import Hub

/// Whose account what is stored is booked to, and for how long.
@Suite("Accounts of senders", .timeLimit(.minutes(5)))
struct AccountTests {
    private static let overhead = UnprovenLimits.overhead

    private func blob(
        _ size: Int64, from sender: String = "mallory", _ account: SenderAccount, number: Int = 0
    ) -> BlobDraft {
        var draft = BlobDraft(
            agent: sender, receiver: "bob", size: size, digest: Digest(of: Array("\(number)".utf8)), name: "x",
            mailboxLimit: 1000)
        draft.account = account
        return draft
    }

    private func message(_ size: Int, from sender: String, _ account: SenderAccount) -> MessageDraft {
        var draft = MessageDraft(
            from: sender, to: "bob", type: .push, content: String(repeating: "x", count: size),
            retention: account == .unproven ? .seconds(3600) : nil)
        draft.account = account
        return draft
    }

    private func sweep(_ store: HubStore) async throws {
        while try await store.sweep().hasMore {}
    }

    @Test(
        "An announced size is booked nowhere; received bytes are, to the sender and its receiver",
        arguments: StoreKind.allCases)
    func received(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        let id = try await store.createBlob(blob(900, from: "alice", .proven)).blob.id
        let bob = MailboxName(.ipoll, of: "bob")
        #expect(try await store.load(of: bob).bytes == 0)
        #expect(try await store.load(ofAccount: "alice") == AccountLoad(items: 0, bytes: 0))
        _ = try await store.append([UInt8](repeating: 1, count: 300), to: id, at: 0)
        #expect(try await store.load(of: bob).bytes == 300)
        #expect(try await store.load(ofAccount: "alice").bytes == 300)
        _ = try await store.push(message(50, from: "alice", .proven))
        #expect(try await store.load(ofAccount: "alice") == AccountLoad(items: 1, bytes: 350))
        try await store.removeBlob(id, by: "bob")
        _ = try await store.pull(agent: "bob", limit: 10, marksRead: true)
        #expect(try await store.load(of: bob) == MailboxLoad(unsettled: 0, bytes: 0))
        #expect(try await store.load(ofAccount: "alice") == AccountLoad(items: 0, bytes: 0))
        #expect(try await store.load(ofAccount: nil) == AccountLoad(items: 0, bytes: 0))
    }

    @Test(
        "What unproven senders store takes no room in a mailbox, and counts until it is deleted",
        arguments: StoreKind.allCases)
    func unproven(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        _ = try await store.push(message(100, from: "mallory", .unproven))
        var draft = ChannelDraft(agent: "mallory", target: "bob", intent: "x", metadata: "{}")
        draft.account = .unproven
        let channel = try await store.open(draft).id
        var frame = FrameDraft(channel: channel, payload: "\"12345678\"")
        frame.account = .unproven
        frame.retention = .seconds(3600)
        _ = try await store.append(frame)
        let id = try await store.createBlob(blob(5000, .unproven)).blob.id
        _ = try await store.append([UInt8](repeating: 1, count: 700), to: id, at: 0)
        let all = AccountLoad(items: 4, bytes: 100 + 2 + 10 + 700 + 4 * Self.overhead)
        #expect(try await store.load(ofAccount: nil) == all)
        #expect(try await store.load(of: MailboxName(.ipoll, of: "bob")) == MailboxLoad(unsettled: 0, bytes: 0))
        #expect(try await store.load(of: MailboxName(.mux, of: "bob")) == MailboxLoad(unsettled: 0, bytes: 0))
        #expect(try await store.totals().messagesPending == 1)
        #expect(try await store.totals().framesUnsettled == 1)
        // Taking it, closing its channel and removing the blob free nothing that still lies on the disk.
        #expect(try await store.pull(agent: "bob", limit: 10, marksRead: true).count == 1)
        let lease = try await subject.lease()
        _ = try await store.settle(lease: try #require(lease.first?.id), agent: "bob", .commit)
        try await store.removeBlob(id, by: "mallory")
        #expect(try await store.load(ofAccount: nil) == all)
        #expect(try await store.totals().messagesPending == 0)
        #expect(try await store.totals().framesUnsettled == 0)
        try await sweep(store)
        #expect(try await store.load(ofAccount: nil).items == 3)
        subject.clock.advance(seconds: 3601)
        try await sweep(store)
        #expect(try await store.load(ofAccount: nil) == AccountLoad(items: 0, bytes: 0))
        #expect(try await store.channel(channel) == nil)
        #expect(try await store.totals().channelsOpen == 0)
        #expect(try await store.totals().blobBytes == 0)
    }

    @Test(
        "Unproven senders share bytes and items over all names and receivers; proven senders do not notice",
        arguments: StoreKind.allCases)
    func budget(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind) {
            $0.unproven.bytes = 10_000
            $0.unproven.items = 5
        }
        let store = subject.store
        for number in 0..<5 { _ = try await store.push(message(1, from: "name\(number)", .unproven)) }
        let full = StoreError.unprovenFull(limit: 10_000)
        #expect(await failure { try await store.push(message(1, from: "other", .unproven)) } == full)
        #expect(await failure { try await store.createBlob(blob(1, .unproven)) } == full)
        _ = try await store.push(message(1, from: "alice", .proven))
        subject.clock.advance(seconds: 3601)
        try await sweep(store)
        let id = try await store.createBlob(blob(20_000, .unproven)).blob.id
        _ = try await store.append([UInt8](repeating: 1, count: 8000), to: id, at: 0)
        #expect(
            await failure { try await store.append([UInt8](repeating: 1, count: 1000), to: id, at: 8000) } == full)
        #expect(await failure { try await store.push(message(1000, from: "other", .unproven)) } == full)
        let other = try await store.createBlob(blob(901, from: "alice", .proven, number: 1)).blob.id
        _ = try await store.append([UInt8](repeating: 1, count: 900), to: other, at: 0)
    }

    @Test(
        "A blob of an unproven sender ends ten minutes after it was begun, however often it is asked for",
        arguments: StoreKind.allCases)
    func blobs(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        let id = try await store.createBlob(blob(900, .unproven)).blob.id
        subject.clock.advance(seconds: 1)
        let kept = try await store.createBlob(blob(900, from: "alice", .proven, number: 1)).blob.id
        var others: [String] = []
        for count in 0..<3 {
            subject.clock.advance(seconds: 250)
            // Another with the same name does not find it, and begins one of its own.
            let (another, isNew) = try await store.createBlob(blob(900, .unproven))
            #expect(isNew && another.received == 0)
            others.append(another.id)
            _ = try await store.append([1], to: id, at: Int64(count))
        }
        #expect(try await store.blobs(to: "bob", limit: 10).map(\.id) == [id, kept] + others)
        #expect(try await store.blobs(to: "bob", after: id, limit: 10).map(\.id) == [kept] + others)
        try await sweep(store)
        #expect(try await store.blob(id) == nil)
        #expect(try await store.blobs(to: "bob", limit: 10).map(\.id) == [kept] + others)
        #expect(await failure { try await store.removeBlob(kept, by: "mallory") } == .unknownBlob(kept))
        try await store.removeBlob(kept, by: "bob")
        #expect(try await store.blob(kept) == nil)
    }

    @Test("A frame with a limit counts in its sender's hour", arguments: StoreKind.allCases)
    func frames(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let channel = try await subject.channel(from: "mallory")
        var frame = FrameDraft(channel: channel, payload: "1")
        frame.hourlyLimit = 2
        for _ in 0..<2 { _ = try await subject.store.append(frame) }
        let error = await failure { try await subject.store.append(frame) }
        guard case .quotaReached(agent: "mallory", limit: 2, _)? = error else {
            Issue.record("\(error as Any)")
            return
        }
    }
}
