import Fabric
import Foundation
import Glibc
import PostgresRunner
import ProgramRunner
import SystemPackage
import Testing

@testable import Hub

@Suite("The store itself", .timeLimit(.minutes(10)))
struct StoreTests {
    @Test("A process that is killed in the middle has lost nothing that it acknowledged", arguments: StoreKind.allCases)
    func crash(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        await subject.store.close()
        var frames: Set<String> = []
        var messages: Set<String> = []
        for _ in 0..<3 {
            let program = try Program(
                try BuiltProgram.path(of: "HubStoreCrasher"), [subject.place, "bob"], in: subject.folder.url)
            // It is in full swing when somebody has come as far as this.
            _ = try await program.line(containing: " 60 ")
            program.kill()
            let outcome = try await program.outcome()
            #expect(outcome.status == 128 + SIGKILL)
            // The last line may be cut short.
            let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            for line in lines {
                let words = line.split(separator: " ")
                if words.first == "frame" { frames.insert(words.dropFirst().joined(separator: " ")) }
                if words.first == "message" { messages.insert(String(words[1])) }
            }
        }
        #expect(frames.count > 100 && messages.count > 100)
        // The killed one went by the real clock.
        let store = try await subject.another { $0.clock = { Timestamp.now() } }
        var kept: Set<String> = []
        for channel in try await store.channels(ChannelQuery(.towards("bob"), filter: .all)) {
            let page = try await store.frames(of: channel.id, limit: 100_000)
            #expect(page.frames.map(\.sequence) == Array(0..<channel.frames))
            #expect(channel.unsettled == channel.frames)
            kept.formUnion(page.frames.map { "\($0.channel) \($0.sequence) \($0.hash)" })
        }
        let pulled = try await store.pull(agent: "bob", limit: 100_000, marksRead: false)
        let lost = (frames.subtracting(kept).count, messages.subtracting(pulled.map(\.id)).count)
        #expect(lost == (0, 0))
        // What is counted is what is there.
        #expect(try await store.totals().framesUnsettled == Int64(kept.count))
        #expect(try await store.load(of: MailboxName(.ipoll, of: "bob")).unsettled == Int64(pulled.count))
        await store.close()
    }

    @Test("A restart forgets nothing", arguments: StoreKind.allCases)
    func restart(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let channel = try await subject.channel()
        try await subject.append(["1", "2"], to: channel)
        let lease = try #require(try await subject.lease().first)
        let before = try await subject.store.channel(channel)
        await subject.store.close()
        #expect(await failure { try await subject.store.totals() } == .closed)
        #expect(await failure { try await subject.channel() } == .closed)
        let store = try await subject.another()
        #expect(try await store.channel(channel) == before)
        #expect(try await store.settle(lease: lease.id, agent: "bob", .commit).outcome == .committed)
        #expect(try await store.totals().framesUnsettled == 1)
        try await store.probe()
        let storage = try await store.storage()
        #expect(storage.size > 0)
        #expect((storage.free == nil) == (kind == .postgres))
        await store.close()
    }

    @Test("A second hub on the same file is refused, and the file is its owner's alone")
    func secondHub() async throws {
        let subject = try await StoreSubject.make(.sqlite)
        #expect(await failure { try await subject.another() } == .inUse(path: subject.place))
        for name in ["hub.sqlite", "hub.sqlite-wal", "hub.sqlite-shm", "hub.sqlite.lock"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: subject.folder.path(name))
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }
        await subject.store.close()
        await (try await subject.another()).close()
    }

    @Test("What cannot be a store is said so")
    func unusable() async throws {
        let folder = try WorkFolder()
        try folder.write("text", Array("this is no database, but it is long enough".utf8))
        for location: StoreLocation in [
            .file(FilePath(folder.path("text"))), .file(FilePath(folder.path("missing/hub"))),
            .file(FilePath(folder.url.path)),
        ] {
            guard case .misconfigured? = await failure({ try await HubStore(location) }) else {
                Issue.record("\(location)")
                continue
            }
        }
        let nowhere = "postgresql://hub:secret@%2Fnonexistent/x"
        let error = try #require(await failure { try await HubStore(.postgres(nowhere)) })
        #expect(error.isRetryable)
        #expect(!error.description.contains("secret"))
    }

    @Test("A store of the first version is brought up to date, and its items count as unproven")
    func firstVersion() async throws {
        let folder = try WorkFolder()
        let path = folder.path("hub.sqlite")
        let driver = try SQLiteDriver(path: FilePath(path))
        let connection = try driver.connect(writing: true)
        try connection.begin(.alone)
        try connection.executeScript("CREATE TABLE version (version BIGINT NOT NULL)")
        try connection.executeScript(driver.dialect.translate(Schema.steps[0]))
        _ = try connection.execute([
            SQLStatement("INSERT INTO version (version) VALUES (1)"),
            SQLStatement(
                """
                INSERT INTO item (number, kind, agent, sender, topic, created, expires, size, id, type)
                VALUES (1, 1, 'bob', 'alice', 'message/PUSH', 1, ?, 1, 'poll-1', 'PUSH')
                """, .integer(.max)),
            SQLStatement("INSERT INTO body (number, content) VALUES (1, 'old')"),
        ])
        try connection.commit()
        connection.close()
        driver.stop()
        let store = try await HubStore(.file(FilePath(path)))
        let message = try #require(try await store.pull(agent: "bob", limit: 1, marksRead: false).first)
        #expect(message.content == "old" && message.proof == .unproven)
        await store.close()
    }

    @Test("A store of a later version is left alone", arguments: StoreKind.allCases)
    func newer(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        try await subject.store.core.change { change throws(JobFailure) in
            _ = try change.change("UPDATE version SET version = 99")
        }
        await subject.store.close()
        #expect(await failure { try await subject.another() } == .newerSchema(version: 99))
    }

    @Test("Broken connections are made again, and only unacknowledged changes fail")
    func reconnection() async throws {
        let subject = try await StoreSubject.make(.postgres)
        let channel = try await subject.channel(staysOpen: true)
        for round in 0..<5 {
            try await PostgresServer.shared().disconnectAll(from: subject.place)
            _ = try await subject.store.append(FrameDraft(channel: channel, payload: "\(round)"))
            #expect(try await subject.store.channel(channel)?.frames == Int64(round) + 1)
        }
        // In the middle of many changes, some fail, and what did not is there.
        let accepted = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var sequences: [Int64] = []
                    for _ in 0..<100 {
                        let frame = try? await subject.store.append(FrameDraft(channel: channel, payload: "1"))
                        if let frame { sequences.append(frame.sequence) }
                    }
                    return sequences
                }
            }
            group.addTask {
                for _ in 0..<3 { try await PostgresServer.shared().disconnectAll(from: subject.place) }
                return []
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(accepted).count == accepted.count)
        let kept = try await subject.store.frames(of: channel, limit: 1000).frames.map(\.sequence)
        #expect(Set(accepted).isSubset(of: Set(kept)))
        #expect(kept == Array(0..<Int64(kept.count)))
    }

    @Test("Changes are told after the commit, to every hub", arguments: StoreKind.allCases)
    func changes(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let other = kind == .postgres ? try await subject.another() : subject.store
        var hints = other.changes.makeAsyncIterator()
        var own = subject.store.changes.makeAsyncIterator()
        let channel = try await subject.channel()
        func next(_ mailbox: MailboxName) async throws {
            // A hub that has just begun to listen is told that everything may have changed.
            while let hint = await hints.next(), hint != .mailbox(mailbox) { #expect(hint == .everything) }
        }
        try await subject.append(["1"], to: channel)
        try await next(MailboxName(.mux, of: "bob"))
        let lease = try #require(try await other.leaseFrames(.bob, intent: nil).leases.first)
        _ = try await subject.store.settle(lease: lease.id, agent: "bob", .release(after: .zero))
        try await next(MailboxName(.mux, of: "bob"))
        try await subject.push("x", to: "dave x")
        try await next(MailboxName(.ipoll, of: "dave x"))
        while let hint = await own.next(), hint != .mailbox(MailboxName(.ipoll, of: "dave x")) {}
        await other.close()
        #expect(await hints.next() == nil)
    }

    @Test("What is older than its retention goes, a bounded part at a time", arguments: StoreKind.allCases)
    func retention(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind) {
            $0.frameRetention = .seconds(1000)
            $0.messageRetention = .seconds(1000)
        }
        let store = subject.store
        let kept = try await subject.channel(to: "carol")
        let lapsed = try await subject.channel(to: "dave")
        let taken = try await subject.channel()
        try await subject.append((0..<25).map { "\($0)" }, to: lapsed)
        try await subject.append(["1"], to: taken)
        let lease = try #require(try await subject.lease().first)
        _ = try await store.settle(lease: lease.id, agent: "bob", .commit)
        _ = try await store.close(channel: lapsed, reason: "done", consuming: false)
        _ = try await store.push(
            MessageDraft(from: "alice", to: "bob", type: .push, content: "short", retention: .seconds(10)))
        let long = try await subject.push("long")
        subject.clock.advance(seconds: 10)
        // Nobody gets it any more, swept or not.
        #expect(try await store.pull(agent: "bob", limit: 9, marksRead: false).map(\.id) == [long])
        #expect(try await store.sweep() == SweepResult(items: 1))
        subject.clock.advance(seconds: 990)
        var swept = SweepResult(hasMore: true)
        var rounds = 0
        while swept.hasMore {
            swept.hasMore = false
            swept.add(try await store.sweep(limit: 10))
            rounds += 1
        }
        #expect(rounds >= 3)
        #expect(swept.items == 26)
        #expect(try await store.load(of: MailboxName(.mux, of: "dave")) == MailboxLoad(unsettled: 0, bytes: 0))
        #expect(try await store.totals().messagesPending == 0)
        // Closed channels stay for an hour after they have nothing left to wait for.
        #expect(try await store.channels(ChannelQuery(.openedBy("alice"), filter: .all)).count == 3)
        subject.clock.advance(seconds: 3600)
        _ = try await store.sweep()
        #expect(try await store.channels(ChannelQuery(.openedBy("alice"), filter: .all)).map(\.id) == [kept])
        #expect(
            await failure { try await store.settle(lease: lease.id, agent: "bob", .commit) }
                == .unknownLease(lease.id))
        #expect(try await store.sweep() == SweepResult())
    }

    @Test("A copy is made while the hub writes, is whole, and replaces nothing")
    func backup() async throws {
        let subject = try await StoreSubject.make(.sqlite)
        let channel = try await subject.channel(staysOpen: true)
        try await subject.append((0..<100).map { "\($0)" }, to: channel)
        let target = FilePath(subject.folder.path("copy"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await subject.append((0..<300).map { "\($0)" }, to: channel) }
            try await HubStore.backUp(subject.location, to: target)
            try await group.waitForAll()
        }
        #expect(
            await failure { try await HubStore.backUp(subject.location, to: target) }
                == .exists(path: target.string))
        let attributes = try FileManager.default.attributesOfItem(atPath: target.string)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try subject.folder.names().filter { $0.hasSuffix(".part") } == [])
        let copy = try await HubStore(.file(target))
        let state = try #require(try await copy.channel(channel))
        #expect((100...400).contains(state.frames))
        let frames = try await copy.frames(of: channel, limit: 1000).frames
        #expect(frames.map(\.sequence) == Array(0..<state.frames))
        await copy.close()
        #expect(
            await failure { try await HubStore.backUp(.postgres("x"), to: target) }
                == .notSupported("a copy of the store"))
        let missing = FilePath(subject.folder.path("missing"))
        #expect(await failure { try await HubStore.backUp(.file(missing), to: FilePath(missing.string + "2")) } != nil)
    }

    @Test("What fails in a transaction does not disturb the others in it", arguments: StoreKind.allCases)
    func isolation(kind: StoreKind) async throws {
        let subject = try await StoreSubject.make(kind)
        let core = subject.store.core
        let channel = try await subject.channel()
        let outcomes = await withTaskGroup(of: (Int, StoreError?).self) { group in
            for number in 0..<60 {
                group.addTask {
                    switch number % 3 {
                    // After it has changed something.
                    case 0:
                        return (
                            number,
                            await failure {
                                try await core.change { change throws(JobFailure) in
                                    _ = try change.change("UPDATE channel SET frames = 1000")
                                    throw .store(.keyReused("\(number)"))
                                }
                            }
                        )
                    // A statement that the database refuses.
                    case 1:
                        return (
                            number,
                            await failure {
                                try await core.change { change throws(JobFailure) in
                                    _ = try change.change("UPDATE nothing SET nothing = 1")
                                }
                            }
                        )
                    default:
                        return (
                            number,
                            await failure {
                                try await subject.store.append(FrameDraft(channel: channel, payload: "\(number)"))
                            }
                        )
                    }
                }
            }
            return await group.reduce(into: [Int: StoreError?]()) { $0[$1.0] = $1.1 }
        }
        for (number, outcome) in outcomes {
            switch number % 3 {
            case 0: #expect(outcome == .keyReused("\(number)"))
            case 1: if case .database? = outcome {} else { Issue.record("\(String(describing: outcome))") }
            default: #expect(outcome == nil)
            }
        }
        #expect(try await subject.store.channel(channel)?.frames == 20)
        #expect(try await subject.store.totals().framesAppended == 20)
    }
}
