import Fabric
import Testing

@testable import Hub

@Suite("Blobs", .timeLimit(.minutes(5)))
struct BlobTests {
    private static let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

    private func draft(_ bytes: [UInt8] = content, digest: Digest? = nil, limit: Int64? = nil) -> BlobDraft {
        BlobDraft(
            agent: "alice", receiver: "bob", size: Int64(bytes.count), digest: digest ?? Digest(of: bytes),
            name: "x.tza",
            mailboxLimit: limit)
    }

    private func read(_ store: HubStore, _ id: String, from start: Int64 = 0) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let piece = try await store.read(blob: id, from: start + Int64(bytes.count), limit: 10_000)
            if piece.isEmpty { return bytes }
            bytes += piece
        }
    }

    @Test("A blob is uploaded in pieces, also over a restart, and read from anywhere", arguments: StoreKind.allCases)
    func upload(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let (blob, isNew) = try await subject.store.createBlob(draft())
        #expect(isNew)
        #expect(blob.id.wholeMatch(of: /blob-[0-9a-f]{32}/) != nil)
        let first = try await subject.store.append(Array(Self.content[..<100_000]), to: blob.id, at: 0)
        #expect(first.received == 100_000)
        #expect(!first.isComplete)
        await subject.store.close()
        // The one that goes on has not seen the first piece.
        let store = try await subject.another()
        let (again, isNewAgain) = try await store.createBlob(draft())
        #expect(!isNewAgain)
        #expect(again.id == blob.id)
        #expect(again.received == 100_000)
        for wrong: Int64 in [0, 99_999, 100_001] {
            #expect(
                await failure { try await store.append([1], to: blob.id, at: wrong) }
                    == .wrongOffset(received: 100_000))
        }
        _ = try await store.append(Array(Self.content[100_000..<250_000]), to: blob.id, at: 100_000)
        let whole = try await store.append(Array(Self.content[250_000...]), to: blob.id, at: 250_000)
        #expect(whole.isComplete)
        #expect(whole.computedDigest == Digest(of: Self.content))
        #expect(try await read(store, blob.id) == Self.content)
        #expect(try await read(store, blob.id, from: 123_456) == Array(Self.content[123_456...]))
        #expect(try await store.read(blob: blob.id, from: 300_000, limit: 1) == [])
        #expect(try await store.createBlob(draft()).blob.isComplete)
        await store.close()
    }

    @Test("The last piece that came just before a crash is not needed again", arguments: StoreKind.allCases)
    func completion(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let (blob, _) = try await subject.store.createBlob(draft())
        // As if nothing of what came before were known, and the hub died before it had computed the digest.
        let core = subject.store.core
        _ = try await core.change { change throws(JobFailure) in
            try BlobAppending(core: core, id: blob.id, piece: Self.content, offset: 0, digest: nil).append(change)
        }
        #expect(try await subject.store.blob(blob.id)?.isComplete == false)
        let whole = try await subject.store.append([], to: blob.id, at: Int64(Self.content.count))
        #expect(whole.isComplete)
    }

    @Test("Other bytes than announced are refused and gone", arguments: StoreKind.allCases)
    func mismatch(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let claimed = Digest(of: [1])
        let (blob, _) = try await subject.store.createBlob(draft(digest: claimed))
        #expect(
            await failure {
                try await subject.store.append(Self.content, to: blob.id, at: 0)
            } == .digestMismatch(claimed: claimed, computed: Digest(of: Self.content)))
        #expect(try await subject.store.blob(blob.id) == nil)
        #expect(
            await failure { try await subject.store.append([], to: blob.id, at: 0) }
                == .unknownBlob(blob.id))
        #expect(try await subject.store.load(of: MailboxName(.ipoll, of: "bob")).bytes == 0)
        #expect(try await subject.store.createBlob(draft(digest: claimed)).blob.id != blob.id)
        #expect(try await subject.store.sweep().blobs == 1)
        #expect(
            await failure {
                try await subject.store.read(blob: blob.id, from: 0, limit: 1)
            } == .unknownBlob(blob.id))
    }

    @Test("Too much, too large, too many, and nothing at all", arguments: StoreKind.allCases)
    func bounds(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let (empty, _) = try await subject.store.createBlob(draft([]))
        #expect(empty.isComplete)
        let (blob, _) = try await subject.store.createBlob(draft([1, 2, 3]))
        #expect(
            await failure {
                try await subject.store.append([1, 2, 3, 4], to: blob.id, at: 0)
            } == .beyondEnd(size: 3))
        let large = [UInt8](repeating: 0, count: (1 << 20) + 1)
        #expect(
            await failure {
                try await subject.store.append(large, to: blob.id, at: 0)
            } != nil)
        // What was only announced takes no room.
        _ = try await subject.store.createBlob(draft([6, 7, 8], limit: 3))
        _ = try await subject.store.append([1, 2, 3], to: blob.id, at: 0)
        #expect(
            await failure {
                try await subject.store.createBlob(draft([4, 5], limit: 4))
            } == .mailboxFull(agent: "bob", limit: 4))
        _ = try await subject.store.createBlob(draft([4, 5], limit: 5))
    }

    @Test("Only one of two that append at once at the same place succeeds", arguments: StoreKind.allCases)
    func race(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let other = kind == .postgres ? try await subject.another() : subject.store
        let (blob, _) = try await subject.store.createBlob(draft([UInt8](repeating: 7, count: 100)))
        for step in 0..<10 {
            let piece = [UInt8](repeating: 7, count: 10)
            async let one = try? subject.store.append(piece, to: blob.id, at: Int64(step * 10))
            async let two = try? other.append(piece, to: blob.id, at: Int64(step * 10))
            let results = [await one, await two]
            #expect(results.compactMap { $0 }.count == 1)
        }
        #expect(try await subject.store.blob(blob.id)?.isComplete == true)
    }

    @Test("A blob lives as long as something waits that refers to it", arguments: StoreKind.allCases)
    func references(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let store = subject.store
        let bytes: [UInt8] = [1, 2, 3]
        let (blob, _) = try await store.createBlob(draft(bytes))
        let message = MessageDraft(from: "alice", to: "bob", type: .push, content: "", blob: blob.id)
        let frame = FrameDraft(channel: try await subject.channel(), payload: "{}", blob: blob.id)
        #expect(await failure { try await store.push(message) } == .blobIncomplete(blob.id))
        #expect(await failure { try await store.append(frame) } == .blobIncomplete(blob.id))
        _ = try await store.append(bytes, to: blob.id, at: 0)
        let stranger = MessageDraft(from: "alice", to: "carol", type: .push, content: "", blob: blob.id)
        #expect(await failure { try await store.push(stranger) } == .blobIncomplete(blob.id))
        _ = try await store.push(message)
        _ = try await store.append(frame)
        subject.clock.advance(seconds: 5 * 86400)
        _ = try await store.sweep()
        #expect(try await read(store, blob.id) == bytes)
        let one = try #require(try await subject.lease().first)
        #expect(one.item.blob == blob.id)
        _ = try await store.settle(lease: one.id, agent: "bob", .commit)
        subject.clock.advance(seconds: 5 * 86400)
        _ = try await store.sweep()
        #expect(try await store.blob(blob.id) != nil)
        _ = try await store.pull(agent: "bob", limit: 9, marksRead: true)
        _ = try await store.sweep()
        #expect(try await store.blob(blob.id) != nil)
        subject.clock.advance(seconds: 601)
        _ = try await store.sweep()
        #expect(try await store.blob(blob.id) == nil)
        #expect(try await store.load(of: MailboxName(.ipoll, of: "bob")).bytes == 0)
        #expect(try await store.totals().blobBytes == 0)
    }
}
