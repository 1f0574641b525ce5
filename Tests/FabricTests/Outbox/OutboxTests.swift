import Foundation
import GRDB
import Synchronization
import SystemPackage
import Testing

@testable import Fabric

@Suite("The outbox")
struct OutboxTests {
    let fixture: OutboxFixture
    let outbox: Outbox
    let carrier = ScriptedCarrier()

    init() throws {
        fixture = try OutboxFixture()
        outbox = try fixture.open()
    }

    private func dispatcher(_ planner: ScriptedPlanner = ScriptedPlanner()) -> Dispatcher {
        let carrier = carrier
        return Dispatcher(outbox: outbox, planner: planner) { $0 == "fake" ? carrier : nil }
    }

    // MARK: - Sealing

    @Test("What is sealed lies under its digest, whole, and is listed")
    func sealed() throws {
        let entry = try fixture.seal(in: outbox)
        #expect(try fixture.files() == ["\(entry.digest.hex).tza"])
        let file = try EnvelopeFile(path: outbox.path(of: entry))
        #expect(try file.digest() == entry.digest)
        #expect(file.manifest.transferID == entry.transferID)
        #expect(try outbox.list() == [entry])
        #expect(entry.state == .queued && entry.attempts == 0 && entry.awaited != nil)
        #expect(try outbox.sweep() == SweepReport())
        #expect(try fixture.files().count == 1)
    }

    @Test("The index is durable, shared, and of a known version")
    func pragmas() throws {
        _ = try fixture.seal(in: outbox)
        let found = try outbox.index.read { database in
            try ["journal_mode", "synchronous", "foreign_keys", "busy_timeout", "user_version"].map {
                try DatabaseValue.fetchOne(database, sql: "PRAGMA \($0)")?.description
            }
        }
        #expect(found == ["\"wal\"", "2", "1", "30000", "\(OutboxSchema.steps.count)"])
        try outbox.index.write { try $0.execute(sql: "PRAGMA user_version = 99") }
        #expect(throws: OutboxError.self) { try fixture.open() }
    }

    @Test("The same name for other bytes gets digits of the digest")
    func names() throws {
        let first = try fixture.seal(in: outbox)
        let second = try fixture.seal(in: outbox)
        #expect(first.name.text == "20260514t064148z.demo.claude.normal.tza")
        #expect(second.name.text == "20260514t064148z.demo.claude.normal.\(second.digest.shortHex).tza")
    }

    @Test("A failure and a rehearsal leave nothing behind")
    func nothingLeft() throws {
        let name = try #require(ArrivalName("a.tza"))
        let sealer = Sealer(key: try VectorFiles.key(), options: SealOptions(senderName: "alice"))
        #expect(throws: OutboxError.self) {
            try outbox.seal(
                .path(fixture.folder.appending("missing").string), as: name, with: sealer, at: .now(),
                orders: [DeliveryOrder(DeliveryTarget("fake:one"))])
        }
        let rehearsed = try fixture.seal(in: outbox, orders: [])
        #expect(rehearsed.entries.isEmpty && rehearsed.envelope.size > 0)
        #expect(try fixture.files() == [])
        #expect(try outbox.list(.all) == [])
    }

    @Test("An envelope that was sealed elsewhere is copied in; another delivery of it shares the file")
    func enqueued() throws {
        let path = fixture.folder.appending("20260514t064148z.other.claude.normal.tza")
        let sealer = Sealer(key: try VectorFiles.key(), options: SealOptions(senderName: "alice"))
        _ = try sealer.seal(.path(fixture.folder.appending("a.txt").string), to: path)
        let orders = ["fake:one", "fake:two"].map { DeliveryOrder(DeliveryTarget($0)) }
        let entries = try orders.map { try #require(try outbox.enqueue(path, orders: [$0]).entries.first) }
        #expect(Set(entries.map(\.digest)).count == 1)
        #expect(Set(entries.map(\.id)).count == 2)
        #expect(try fixture.files().count == 1)
        _ = try outbox.cancel(entries[0].id)
        #expect(try fixture.files().count == 1)
        _ = try outbox.cancel(entries[1].id)
        #expect(try fixture.files() == [])
        #expect(FileManager.default.fileExists(atPath: path.string))

        try fixture.folder.write([1, 2, 3], to: "bad.tza")
        #expect(throws: OutboxError.self) {
            try outbox.enqueue(fixture.folder.appending("bad.tza"), orders: orders)
        }
        #expect(try fixture.files() == [])
    }

    @Test("Whatever names it finds it, and what names two says which")
    func finding() throws {
        let entry = try fixture.seal(in: outbox)
        for text in [
            entry.id.text, String(entry.id.text.prefix(4)), entry.digest.hex, entry.digest.description,
            entry.transferID.text, entry.id.text.uppercased(),
        ] {
            #expect(try outbox.find(text) == entry.id)
        }
        for text in ["", "zz", "%%%", "a'b", String(repeating: "0", count: 64)] {
            #expect(throws: OutboxError.self) { try outbox.find(text) }
        }
        let both = ["fake:one", "fake:two"].map { DeliveryOrder(DeliveryTarget($0)) }
        let sealed = try fixture.seal(in: outbox, orders: both)
        #expect(throws: OutboxError.self) { try outbox.find(sealed.envelope.digest.hex) }
    }

    // MARK: - States

    @Test("Delivered: the receipt stays, the file goes")
    func delivered() async throws {
        let entry = try fixture.seal(in: outbox)
        let outcome = try await dispatcher().attempt(entry.id)
        #expect(outcome.entry.state == .delivered && outcome.receipt?.strength == .stored)
        #expect(try fixture.files() == [])
        let detail = try outbox.detail(entry.id)
        #expect(detail.attempts.map(\.outcome) == [.delivered(.stored)])
        #expect(detail.receipts.map(\.strengthName) == ["stored"])
        #expect(detail.entry.awaited == nil && detail.entry.reached == .stored)
        #expect(try outbox.list(.open).isEmpty)
        #expect(try outbox.list(.state(.delivered)).map(\.id) == [entry.id])
    }

    @Test("What was delivered is not tried again")
    func deliveredOnce() async throws {
        let entry = try fixture.seal(in: outbox)
        _ = try await dispatcher().attempt(entry.id)
        let again = try await dispatcher().attempt(entry.id)
        #expect(again.entry.state == .delivered && again.receipt == nil)
        #expect(carrier.asked == ["one"])
    }

    @Test("Tried again after a rest, which grows, along the next route meanwhile")
    func retried() async throws {
        carrier.answer("one", .failure(.unreachable, .retry(after: nil)))
        carrier.answer("two", .failure(.stalled, .retry(after: nil)), .receipt(.stored))
        let planner = ScriptedPlanner(routes: ["name": fakeRoutes("one", "two")])
        let entry = try fixture.seal(in: outbox, to: "name")
        let first = try await dispatcher(planner).drain(jobs: 1, watching: false)
        #expect(first == DrainSummary(delivered: 0, postponed: 1, stopped: 0))
        #expect(carrier.asked == ["one", "two"])
        let waiting = try outbox.entry(entry.id)
        #expect(waiting.state == .queued && waiting.attempts == 2)
        #expect(waiting.nextAttempt?.milliseconds == fixture.clock.now + 7500)
        #expect(try outbox.detail(entry.id).routes.count == 2)

        fixture.clock.advance(.milliseconds(7499))
        #expect(try await dispatcher(planner).drain(jobs: 1, watching: false) == DrainSummary())
        fixture.clock.advance(.milliseconds(1))
        #expect(try await dispatcher(planner).drain(jobs: 1, watching: false).delivered == 1)
        #expect(try outbox.entry(entry.id).state == .delivered)
    }

    @Test("Held when a person has to act, and released")
    func held() async throws {
        carrier.answer("one", .failure(.refused, .waitForPerson), .receipt(.stored))
        let entry = try fixture.seal(in: outbox)
        #expect(try await dispatcher().drain(jobs: 2, watching: false).stopped == 1)
        let held = try outbox.entry(entry.id)
        #expect(held.state == .held && held.reason == "one said refused")
        fixture.clock.advance(.seconds(100_000))
        #expect(try await dispatcher().drain(jobs: 2, watching: false) == DrainSummary())
        #expect(try outbox.release(entry.id).state == .queued)
        #expect(try await dispatcher().drain(jobs: 2, watching: false).delivered == 1)
    }

    @Test("Quarantined when nothing can help; replayed, not deleted")
    func quarantined() async throws {
        carrier.answer("one", .failure(.corrupted, .giveUp), .receipt(.stored))
        let entry = try fixture.seal(in: outbox)
        #expect(try await dispatcher().attempt(entry.id).entry.state == .quarantined)
        #expect(try fixture.files().count == 1)
        #expect(throws: OutboxError.self) { try outbox.retry(entry.id) }
        #expect(try outbox.replay(entry.id).state == .queued)
        #expect(try await dispatcher().attempt(entry.id).entry.state == .delivered)
    }

    @Test("Waiting for what a weaker receipt does not say; tried again on request")
    func waiting() async throws {
        carrier.answer("one", .receipt(.accepted), .receipt(.verified))
        let entry = try fixture.seal(in: outbox, wanted: .verified)
        let outcome = try await dispatcher().attempt(entry.id)
        #expect(outcome.entry.state == .waiting && outcome.entry.reached == .accepted)
        #expect(try fixture.files().count == 1)
        #expect(try await dispatcher().drain(jobs: 1, watching: false) == DrainSummary())
        _ = try outbox.retry(entry.id)
        #expect(try await dispatcher().attempt(entry.id).entry.state == .delivered)
        #expect(try outbox.detail(entry.id).receipts.map(\.strengthName) == ["accepted", "verified"])
    }

    @Test("A proxy's word makes a route rest, and it is tried again by itself")
    func passing() async throws {
        carrier.answer("one", .failure(.misconfigured, .tryNextRoute), .receipt(.stored))
        let entry = try fixture.seal(in: outbox)
        #expect(try await dispatcher().drain(jobs: 1, watching: false).postponed == 1)
        #expect(try outbox.entry(entry.id).state == .queued)
        fixture.clock.advance(.seconds(60))
        #expect(try await dispatcher().drain(jobs: 1, watching: false).delivered == 1)
    }

    @Test("A row that makes no sense is quarantined, and the others are delivered and listed")
    func unreadableRow() async throws {
        carrier.answer("one", .receipt(.stored), .receipt(.stored))
        let (bad, good) = (try fixture.seal(in: outbox), try fixture.seal(in: outbox))
        try outbox.index.write { database in
            try database.execute(
                sql: "UPDATE delivery SET options = 'nonsense' WHERE id = ?", arguments: [bad.id.text])
        }
        let troubles = Mutex<[String]>([])
        let carrier = carrier
        let dispatcher = Dispatcher(
            outbox: outbox, planner: ScriptedPlanner(), carrier: { $0 == "fake" ? carrier : nil },
            report: { event in
                if case .trouble(let error) = event { troubles.withLock { $0.append(error.explanation) } }
            })
        #expect(try await dispatcher.drain(jobs: 1, watching: false).delivered == 1)
        #expect(troubles.withLock { $0 }.count == 1)
        #expect(troubles.withLock { $0 }.first?.contains("'\(bad.id)' is quarantined") == true)
        #expect(try outbox.entry(good.id).state == .delivered)
        #expect(try outbox.counts() == [.quarantined: 1, .delivered: 1])
        let unreadable = Mutex<[OutboxID]>([])
        let listed = try outbox.list(.all) { id, _ in unreadable.withLock { $0.append(id) } }
        #expect(listed.map(\.id) == [good.id])
        #expect(unreadable.withLock { $0 } == [bad.id])
        // It can still be called off.
        #expect(throws: OutboxError.self) { try outbox.entry(bad.id) }
    }

    @Test("A delivery for which the outbox fails does not keep the others from being tried")
    func failingDelivery() async throws {
        carrier.answer("one", .receipt(.stored), .receipt(.stored))
        let (bad, good) = (try fixture.seal(in: outbox), try fixture.seal(in: outbox))
        // Its row goes while it is under way, so that nothing can be written down of it.
        let index = outbox.index
        let carrier = carrier
        let dispatcher = Dispatcher(
            outbox: outbox, planner: ScriptedPlanner(), carrier: { $0 == "fake" ? carrier : nil },
            report: { event in
                guard case .attempt(let entry, _) = event, entry.id == bad.id else { return }
                _ = try? index.write { database in
                    try database.execute(sql: "DELETE FROM delivery WHERE id = ?", arguments: [bad.id.text])
                }
            })
        await #expect(throws: OutboxError.self) { try await dispatcher.drain(jobs: 1, watching: false) }
        #expect(try outbox.entry(good.id).state == .delivered)
    }

    @Test("Redirected: another target, with nothing known of the old one's routes and key")
    func redirected() async throws {
        carrier.answer("one", .failure(.refused, .waitForPerson))
        carrier.answer("two", .receipt(.stored))
        let entry = try fixture.seal(in: outbox, to: "fake:one")
        #expect(try await dispatcher().attempt(entry.id).entry.state == .held)
        let target = DeliveryTarget(
            "fake:two", transport: "fake", minimumTrust: 0.9, usesLookup: false, options: ["a": ["b"]])
        let moved = try outbox.redirect(entry.id, to: target)
        #expect(moved.state == .queued && moved.target == target && moved.receiverKey == nil)
        #expect(try outbox.detail(entry.id).routes.isEmpty)
        #expect(try await dispatcher().attempt(entry.id).entry.state == .delivered)
        #expect(carrier.asked == ["one", "two"])
        #expect(throws: OutboxError.self) { try outbox.redirect(entry.id, to: target) }
    }

    @Test("Expired when its time runs out, and kept to be replayed")
    func expired() async throws {
        carrier.answer("one", .failure(.unreachable, .retry(after: nil)))
        let expiry = Timestamp(milliseconds: fixture.clock.now + 6000)
        let entry = try fixture.seal(in: outbox, expiry: expiry)
        #expect(try await dispatcher().attempt(entry.id).entry.state == .queued)
        fixture.clock.advance(.seconds(6))
        #expect(try await dispatcher().drain(jobs: 1, watching: false) == DrainSummary())
        let expired = try outbox.entry(entry.id)
        #expect(expired.state == .expired && expired.reason == "its time ran out; one said unreachable")
        #expect(try fixture.files().count == 1)
        carrier.answer("one", .receipt(.stored))
        #expect(try outbox.replay(entry.id).expiry == nil)
        #expect(try await dispatcher().attempt(entry.id).entry.state == .delivered)
    }

    @Test("Held from the beginning, cancelled, and what cannot be done in a state")
    func decisions() async throws {
        let entry = try fixture.seal(in: outbox, isHeld: true)
        #expect(try await dispatcher().drain(jobs: 1, watching: false) == DrainSummary())
        #expect(try outbox.cancel(entry.id).state == .cancelled)
        #expect(try fixture.files() == [])
        for action in [outbox.cancel, outbox.retry, outbox.release, outbox.replay] {
            #expect(throws: OutboxError.self) { try action(entry.id) }
        }
        #expect(throws: OutboxError.self) { try outbox.hold(entry.id) }
        let queued = try fixture.seal(in: outbox)
        #expect(try outbox.hold(queued.id).reason == "somebody held it")
        #expect(try outbox.retry(queued.id).state == .queued)
        #expect(try outbox.counts() == [.cancelled: 1, .queued: 1])
    }

    @Test(
        "Stopped while it is sent: back in the queue, or where somebody wished it",
        arguments: ["stop", "cancel", "hold"])
    func stopped(how: String) async throws {
        carrier.answer("one", .hang)
        let entry = try fixture.seal(in: outbox)
        let dispatcher = dispatcher()
        let attempt = Task { try await dispatcher.attempt(entry.id) }
        #expect(await carrier.begun() == "one")
        #expect(try outbox.entry(entry.id).state == .sending)
        #expect(throws: OutboxError.self) { try outbox.retry(entry.id) }
        switch how {
        case "stop": attempt.cancel()
        case "cancel": #expect(try outbox.cancel(entry.id).state == .sending)
        default: #expect(try outbox.hold(entry.id).state == .sending)
        }
        // The wish is heard when the lease is next extended.
        let ticker = Task {
            while !Task.isCancelled {
                fixture.clock.advance(.seconds(5))
                await Task.yield()
            }
        }
        let outcome = try await attempt.value
        ticker.cancel()
        #expect(outcome.entry.state == (how == "stop" ? .queued : how == "cancel" ? .cancelled : .held))
        #expect(try fixture.files().count == (how == "cancel" ? 0 : 1))
        #expect(try outbox.detail(entry.id).attempts.map { $0.outcome?.name } == ["cancelled"])
    }

    @Test("A plan that cannot be made postpones, holds or quarantines")
    func plans() async throws {
        for (action, state) in [
            (CarrierError.Remedy.retry(after: nil), DeliveryState.queued), (.waitForPerson, .held),
            (.giveUp, .quarantined),
        ] {
            let entry = try fixture.seal(in: outbox)
            let planner = ScriptedPlanner(failure: CarrierError(.unreachable, action, "no name service"))
            let outcome = try await dispatcher(planner).attempt(entry.id)
            #expect(outcome.entry.state == state && outcome.entry.reason == "no name service")
            #expect(outcome.failure != nil)
        }
        #expect(carrier.asked.isEmpty)
    }

    @Test("A file that has gone quarantines its deliveries, at a sweep and at an attempt")
    func lostFile() async throws {
        let entries = try (0..<2).map { _ in try fixture.seal(in: outbox) }
        for entry in entries { try FileManager.default.removeItem(atPath: outbox.path(of: entry).string) }
        #expect(try await dispatcher().attempt(entries[0].id).entry.state == .quarantined)
        #expect(try outbox.sweep().quarantined == 1)
        #expect(try outbox.entry(entries[1].id).reason == Outbox.fileIsGone)
        #expect(throws: OutboxError.self) { try outbox.replay(entries[1].id) }
        #expect(carrier.asked.isEmpty)
    }

    @Test("A circuit spares a dead host for all, and one trial closes it again")
    func circuit() async throws {
        carrier.answer("one", .failure(.unreachable, .retry(after: nil)))
        let entries = try (0..<8).map { _ in try fixture.seal(in: outbox) }
        _ = try await dispatcher().drain(jobs: 1, watching: false)
        #expect(carrier.asked.count == 5)
        #expect(try entries.map { try outbox.entry($0.id).state } == Array(repeating: .queued, count: 8))
        carrier.answer("one", .receipt(.stored))
        fixture.clock.advance(.seconds(60))
        #expect(try await dispatcher().drain(jobs: 1, watching: false).delivered == 8)
    }

    // MARK: - Sharing

    @Test("Two outboxes over one directory: every envelope goes once")
    func shared() async throws {
        for _ in 0..<40 { _ = try fixture.seal(in: outbox) }
        let (carrier, fixture) = (carrier, fixture)
        let summaries = try await withThrowingTaskGroup(of: DrainSummary.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let dispatcher = Dispatcher(outbox: try fixture.open(), planner: ScriptedPlanner()) { _ in carrier }
                    return try await dispatcher.drain(jobs: 3, watching: false)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(summaries.map(\.delivered).reduce(0, +) == 40)
        #expect(carrier.asked.count == 40)
        #expect(carrier.mostAtOnce == 1)
        #expect(try outbox.counts() == [.delivered: 40])
        #expect(try fixture.files() == [])
    }

    @Test("Who is at it keeps it as long as the lease is extended; a silent one loses it")
    func leases() throws {
        let entry = try fixture.seal(in: outbox)
        guard case .claimed(let claim) = try outbox.claim(entry.id) else {
            Issue.record("not claimed")
            return
        }
        let other = try fixture.open()
        for _ in 0..<5 {
            fixture.clock.advance(.seconds(40))
            guard case .settled = try other.claim(entry.id), case .nothing = try other.claimNext() else {
                Issue.record("claimed twice")
                return
            }
            #expect(try outbox.extend(claim) == .held)
        }
        fixture.clock.advance(.seconds(60))
        guard case .claimed = try other.claimNext() else {
            Issue.record("not taken over")
            return
        }
        #expect(try outbox.extend(claim) == .lost)
        // Who lost it changes nothing any more, but for a receipt, which is true all the same.
        #expect(try outbox.release(claim, to: .quarantine(reason: "x"), planFailures: 0).state == .sending)
        let receipt = DeliveryReceipt(
            strength: .stored, route: fakeRoutes("one")[0].route, storedName: nil, farDigest: nil)
        #expect(try outbox.settle(claim, attempt: 0, with: receipt, after: 1).state == .delivered)
    }

    @Test("What a dead process was sending is claimed at once, and its attempt is marked")
    func deadOwner() async throws {
        let entry = try fixture.seal(in: outbox)
        guard case .claimed(let claim) = try outbox.claim(entry.id) else {
            Issue.record("not claimed")
            return
        }
        _ = try outbox.begin(
            RouteOrder.Choice(planned: fakeRoutes("one")[0], isTrial: false), of: claim, isUrgent: false)
        let dead = LeaseOwner(
            boot: claim.owner.boot, namespace: claim.owner.namespace, process: 1, start: "0", token: "")
        try outbox.index.write { database in
            try database.execute(sql: "UPDATE delivery SET lease_owner = ?", arguments: [dead.text])
        }
        #expect(try await dispatcher().drain(jobs: 1, watching: false).delivered == 1)
        #expect(try outbox.detail(entry.id).attempts.map { $0.outcome?.name } == ["interrupted", "delivered"])
    }

    @Test("A drain that watches is woken by another process's envelope, and by time")
    func watching() async throws {
        let dispatcher = dispatcher()
        let drain = Task { try await dispatcher.drain(jobs: 2, watching: true) }
        let other = try fixture.open()
        let first = try fixture.seal(in: other)
        #expect(await carrier.begun() == "one")
        let delivered = try await other.wait(for: first.id, within: nil) { $0.state == .delivered }
        #expect(delivered.state == .delivered)

        carrier.answer("one", .failure(.unreachable, .retry(after: nil)), .receipt(.stored))
        let second = try fixture.seal(in: other)
        #expect(await carrier.begun() == "one")
        _ = try await other.wait(for: second.id, within: nil) { $0.nextAttempt != nil && $0.attempts == 1 }
        let ticker = Task {
            while !Task.isCancelled {
                fixture.clock.advance(.seconds(1))
                await Task.yield()
            }
        }
        #expect(await carrier.begun() == "one")
        _ = try await other.wait(for: second.id, within: nil) { $0.state == .delivered }
        ticker.cancel()
        drain.cancel()
        #expect(try await drain.value == DrainSummary(delivered: 2, postponed: 1, stopped: 0))
    }

    // MARK: - Sweeping

    @Test("A sweep removes what the dead left, and nothing else")
    func sweep() throws {
        let entry = try fixture.seal(in: outbox)
        let folder = fixture.state.appending("outbox")
        for name in [".0011223344556677.part", "\(String(repeating: "ab", count: 32)).tza"] {
            try fixture.folder.write([1], to: "state/outbox/\(name)")
        }
        let busy = folder.appending(".8899aabbccddeeff.part")
        let held = try OwnedFile(path: busy, flags: 0o102)
        #expect(held.lockIfFree())
        #expect(try outbox.sweep() == SweepReport(abandoned: 1, unneeded: 1))
        #expect(try fixture.files() == [".8899aabbccddeeff.part", "\(entry.digest.hex).tza"])
    }

    @Test("A drain sweeps when somebody died with the outbox open, when the machine was started, or after an hour")
    func sweepsWhenNeeded() async throws {
        let other = try fixture.open()
        #expect(try outbox.sweepIfNeeded() == nil)
        let leavings = "state/outbox/\(String(repeating: "ab", count: 32)).tza"
        func leaveSomething() throws { try fixture.folder.write([1], to: leavings) }
        func isGone() throws -> Bool { try fixture.files().isEmpty }
        // Whoever lives, or has ended well, is no reason.
        try leaveSomething()
        withExtendedLifetime(other) {}
        _ = try fixture.open()
        _ = try await dispatcher().drain(jobs: 1, watching: false)
        #expect(try !isGone())
        // Nobody holds a lock on this.
        let dead = "state/outbox/open/.0011223344556677.part"
        try fixture.folder.write([], to: dead)
        _ = try await dispatcher().drain(jobs: 1, watching: false)
        #expect(try isGone())
        #expect(try outbox.sweepIfNeeded() == nil)
        // What was swept under another boot says nothing.
        try leaveSomething()
        try outbox.index.write { try IndexNotes.set("swept-boot", to: 1, in: $0) }
        #expect(try outbox.sweepIfNeeded() == SweepReport(unneeded: 1))
        try leaveSomething()
        fixture.clock.advance(.seconds(3601))
        #expect(try outbox.sweepIfNeeded() == SweepReport(unneeded: 1))
    }

    @Test("The options of a target are kept with its delivery, and its carriers are asked for with them")
    func options() async throws {
        let options = ["cacert": ["/etc/one.pem"], "ssh-identity": ["/a \"b\"", "/c"]]
        let order = DeliveryOrder(DeliveryTarget("fake:one", options: options))
        let entry = try #require(try fixture.seal(in: outbox, orders: [order]).entries.first)
        #expect(entry.target.options == options)
        #expect(try fixture.open().entry(entry.id).target.options == options)
        let carrier = ScriptedCarrier()
        let dispatcher = Dispatcher(
            outbox: outbox, planner: ScriptedPlanner(),
            carrierFor: { _, target throws(CarrierError) in target.options == options ? carrier : nil })
        #expect(try await dispatcher.attempt(entry.id).entry.state == .delivered)
    }

    @Test("What is taken in again while its last delivery ends keeps its file")
    func takenInAgain() throws {
        let entry = try fixture.seal(in: outbox)
        let lock = try #require(outbox.store.lockIfFree(entry.digest))
        #expect(try outbox.cancel(entry.id).state == .cancelled)
        #expect(try outbox.sweep().unneeded == 0)
        #expect(try fixture.files().count == 1)
        #expect(try outbox.removeIfUnneeded(entry.digest, holding: lock))
        #expect(try fixture.files() == [])
    }

    @Test("What is over is remembered for as long, and as much, as was asked for")
    func retention() async throws {
        for _ in 0..<3 {
            let entry = try fixture.seal(in: outbox)
            _ = try await dispatcher().attempt(entry.id)
            fixture.clock.advance(.seconds(10))
        }
        let open = try fixture.seal(in: outbox)
        let few = try fixture.open { $0.retention.count = 2 }
        #expect(try few.sweep().forgotten == 1)
        let brief = try fixture.open { $0.retention.seconds = 15 }
        #expect(try brief.sweep().forgotten == 1)
        #expect(try outbox.list(.all).count == 2)
        fixture.clock.advance(.seconds(91 * 86400))
        #expect(try outbox.sweep().forgotten == 1)
        #expect(try outbox.list(.all).map(\.id) == [open.id])
        #expect(try fixture.files() == ["\(open.digest.hex).tza"])
    }
}
