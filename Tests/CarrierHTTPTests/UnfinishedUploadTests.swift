import Fabric
import Foundation
import Logging
import SystemPackage
import Synchronization
import Testing

@testable import CarrierHTTP

/// Uploads that were begun and given up: how many there may be, and when they go.
@Suite struct UnfinishedUploadTests {
    private func announce(_ inbox: TestInbox, _ body: [UInt8], size: Int? = nil) async -> RawAnswer {
        await inbox.post(
            "a.tza", [],
            headers: [
                "Upload-Complete: ?0", "Upload-Length: \(size ?? body.count)",
                "Repr-Digest: " + StructuredFields.text(of: Digest(of: body)),
            ])
    }

    private func id(_ body: [UInt8]) -> String {
        UploadID.derive(
            name: ArrivalName("a.tza")!, digest: Digest(of: body), size: Int64(body.count), owner: nil)
    }

    private func held(_ workspace: Workspace) -> [String] {
        workspace.all("lane/.uploads").filter { $0.hasSuffix(".part") }.map { String($0.dropLast(5)) }
    }

    private func two() -> HTTPListenerLimits {
        var limits = TestInbox.quick()
        limits.unfinishedUploads = 2
        return limits
    }

    /// Whoever only announces cannot keep others from uploading.
    @Test func theOldestWithoutBytesGivesWay() async throws {
        try await TestInbox.with(limits: two()) { inbox in
            for seed in 1...4 as ClosedRange<UInt64> {
                #expect(await announce(inbox, pattern(100, seed: seed)).status == 201)
            }
            #expect(held(inbox.workspace) == [id(pattern(100, seed: 3)), id(pattern(100, seed: 4))].sorted())
        }
    }

    @Test func thoseOfAnEarlierListenerGiveWayAsWell() async throws {
        let workspace = Workspace()
        try await TestInbox.with(workspace: workspace) { inbox in
            for seed in 1...3 as ClosedRange<UInt64> { _ = await announce(inbox, pattern(100, seed: seed)) }
        }
        try await TestInbox.with(workspace: workspace, limits: two()) { inbox in
            #expect(await announce(inbox, pattern(100, seed: 4)).status == 201)
            #expect(held(workspace) == [id(pattern(100, seed: 3)), id(pattern(100, seed: 4))].sorted())
        }
    }

    @Test func bytesThatCameAreKept() async throws {
        try await TestInbox.with(limits: two()) { inbox in
            for seed in 1...2 as ClosedRange<UInt64> {
                let body = pattern(100, seed: seed)
                #expect(await announce(inbox, body).status == 201)
                let part = await inbox.exchange(
                    ResumeTests.patch(id(body), from: 0, Array(body[..<50]), length: 100), halfClose: true)
                #expect(part.status == 400)
            }
            #expect(await announce(inbox, pattern(100, seed: 3)).status == 409)
            #expect(held(inbox.workspace) == [id(pattern(100, seed: 1)), id(pattern(100, seed: 2))].sorted())
        }
    }

    /// Nothing of another size is read to answer an announcement.
    @Test func anAnnouncementOfAnotherSizeIsNotHeld() async throws {
        try await TestInbox.with { inbox in
            let body = pattern(100)
            #expect(await inbox.post("a.tza", body).status == 201)
            #expect(await announce(inbox, body).status == 200)
            #expect(await announce(inbox, body, size: 101).status == 201)
        }
    }

    /// Looking at an upload hashes what it holds, so it counts like taking bytes in.
    @Test func lookingTakesASlot() async throws {
        var limits = TestInbox.quick()
        limits.concurrentUploads = 0
        try await TestInbox.with(limits: limits) { inbox in
            let path = "/inbox/.uploads/" + id(pattern(100))
            for method in ["HEAD", "DELETE"] {
                #expect(await inbox.exchange(TestInbox.request(method, path, [])).status == 429)
            }
            #expect(await announce(inbox, pattern(100)).status == 429)
        }
    }

    @Test func aSweepRemovesWhatIsOldAndUnused() async throws {
        let workspace = Workspace()
        let lane = try Lane(directory: workspace.path.appending("lane"))
        let announcement = UploadAnnouncement(
            name: ArrivalName("a.tza")!, digest: Digest(of: pattern(100)), size: 100, owner: nil)
        let sessions = UploadSessions(patience: .zero)
        await sessions.release(
            id(pattern(100)), parking: try lane.beginUpload(id(pattern(100)), of: announcement))
        func cleanup(_ age: Duration) -> UploadCleanup {
            UploadCleanup(
                lane: lane, sessions: sessions, work: .shared, age: age,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        await cleanup(.seconds(3600)).sweep(closingUnusedFor: .zero)
        #expect(try lane.unfinishedUploads() == 1)
        // One that is in use stays, however old it is.
        let used = try lane.resumeUpload(id(pattern(100)))
        await cleanup(.zero).sweep(closingUnusedFor: .zero)
        #expect(try lane.unfinishedUploads() == 1)
        await sessions.release(id(pattern(100)), parking: used)
    }

    @Test func sweepsAsOftenAsTheClockSays() async throws {
        let workspace = Workspace()
        let lane = try Lane(directory: workspace.path.appending("lane"))
        let announcement = UploadAnnouncement(
            name: ArrivalName("a.tza")!, digest: Digest(of: pattern(100)), size: 100, owner: nil)
        _ = try lane.beginUpload(id(pattern(100)), of: announcement)
        let clock = CountedClock(wakes: 2)
        await UploadCleanup(
            lane: lane, sessions: UploadSessions(patience: .zero), work: .shared, age: .zero,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ).run(every: .seconds(3600), on: clock)
        #expect(clock.slept.withLock { $0 } == [.seconds(3600), .seconds(3600), .seconds(3600)])
        #expect(try lane.unfinishedUploads() == 0)
    }
}

/// A clock on which sleeping takes no time, and is cancelled after some times.
private final class CountedClock: Clock {
    let slept = Mutex<[Duration]>([])
    private let wakes: Int
    let now = ContinuousClock.now
    let minimumResolution = Duration.zero

    init(wakes: Int) { self.wakes = wakes }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        let count = slept.withLock {
            $0.append(now.duration(to: deadline))
            return $0.count
        }
        if count > wakes { throw CancellationError() }
    }
}
