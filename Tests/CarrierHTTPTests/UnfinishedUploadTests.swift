import Fabric
import Foundation
import Logging
import SystemPackage
import Synchronization
import Testing

@testable import CarrierHTTP

/// Uploads that were begun and given up: how many there may be, and when they go.
@Suite struct UnfinishedUploadTests {
    private static let token = String(repeating: "5", count: 64)

    private func announce(_ inbox: TestInbox, _ body: [UInt8], size: Int? = nil) async -> RawAnswer {
        await inbox.post(
            "a.tza", [],
            headers: [
                "Upload-Complete: ?0", "Upload-Length: \(size ?? body.count)", "TIBET-Upload-Token: " + Self.token,
                "Repr-Digest: " + StructuredFields.text(of: Digest(of: body)),
            ])
    }

    private func id(_ body: [UInt8]) -> String {
        UploadID.derive(
            name: ArrivalName("a.tza")!, digest: Digest(of: body), size: Int64(body.count), owner: .token(Self.token))
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

    /// Whether an envelope is here is for its sender to know.
    @Test func anEnvelopeOfOthersIsNotToldOf() async throws {
        var limits = TestInbox.quick()
        limits.rememberedUploadSize = 100
        try await TestInbox.with(limits: limits) { inbox in
            let body = pattern(100)
            #expect(await inbox.post("a.tza", body).status == 201)
            #expect(await announce(inbox, body).status == 201)
            #expect(await inbox.exchange(ResumeTests.patch(id(body), from: 0, body)).status == 200)
            #expect(await announce(inbox, body).status == 200)
            #expect(await announce(inbox, body, size: 101).status == 201)
            let digest = Digest(of: body)
            let head = [
                "Upload-Complete: ?0", "Upload-Length: 100", "Repr-Digest: " + StructuredFields.text(of: digest),
            ]
            for field in [
                "X: none", "TIBET-Upload-Token: " + String(repeating: "6", count: 64),
                "Authorization: " + Authorization(signing: digest, with: key(2)).headerValue,
            ] {
                #expect(await inbox.post("a.tza", [], headers: head + [field]).status == 201, "\(field)")
            }
        }
    }

    /// What others announce does not remove an upload that a key signed, as long as its sender may be about to send.
    @Test func signedUploadsDoNotGiveWayToOthers() async throws {
        try await TestInbox.with(limits: two()) { inbox in
            func announceSigned(_ body: [UInt8], _ signer: SigningKey) async -> Int {
                let digest = Digest(of: body)
                return await inbox.post(
                    "a.tza", [],
                    headers: [
                        "Upload-Complete: ?0", "Upload-Length: 100",
                        "Repr-Digest: " + StructuredFields.text(of: digest),
                        "Authorization: " + Authorization(signing: digest, with: signer).headerValue,
                    ]
                ).status
            }
            #expect(await announceSigned(pattern(100, seed: 1), key(1)) == 201)
            #expect(await announceSigned(pattern(100, seed: 2), key(1)) == 201)
            let before = held(inbox.workspace)
            #expect(await announce(inbox, pattern(100, seed: 3)).status == 409)
            #expect(await announceSigned(pattern(100, seed: 3), key(2)) == 409)
            #expect(held(inbox.workspace) == before)
            #expect(await announceSigned(pattern(100, seed: 3), key(1)) == 201)
        }
    }

    @Test func whatIsRememberedOfFinishedUploadsGoesWithAge() async throws {
        let workspace = Workspace()
        let lane = try Lane(directory: workspace.path.appending("lane"))
        let body = pattern(100)
        let announcement = UploadAnnouncement(
            name: ArrivalName("a.tza")!, digest: Digest(of: body), size: 100, owner: nil)
        let upload = try lane.beginUpload(id(body), of: announcement)
        let written = body.withUnsafeBytes { bytes in Result { () throws(LaneError) in try upload.write(bytes) } }
        try written.get()
        _ = try upload.commit(isRemembered: true)
        #expect(try lane.finishedUpload(id(body)) == announcement)
        #expect(try lane.unfinishedUploads() == 0)
        #expect(try lane.removeUploads(untouchedFor: .seconds(3600)) == 0)
        #expect(try lane.finishedUpload(id(body)) == announcement)
        try lane.removeUploads(untouchedFor: .zero)
        #expect(try lane.finishedUpload(id(body)) == nil)
        #expect(workspace.all("lane/.uploads").isEmpty)
    }

    /// Looking at an upload hashes what it holds, so it counts like taking bytes in.
    @Test func lookingTakesASlot() async throws {
        var limits = TestInbox.quick()
        limits.concurrentUploads = 0
        try await TestInbox.with(limits: limits) { inbox in
            let path = "/inbox/.uploads/" + id(pattern(100))
            let announcement = UploadAnnouncement(
                name: ArrivalName("a.tza")!, digest: Digest(of: pattern(100)), size: 100, owner: nil)
            _ = try inbox.lane.beginUpload(id(pattern(100)), of: announcement)
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
