import Glibc
import SystemPackage
import Testing

@testable import Fabric

@Suite("Lanes")
struct LaneTests {
    let scratch: ScratchDirectory
    let lane: Lane
    let name = ArrivalName("2026-05-14.demo.claude.normal.tza")!

    init() throws {
        scratch = try ScratchDirectory()
        lane = try Lane(directory: scratch.path)
    }

    @discardableResult
    private func deposit(_ bytes: [UInt8], as name: ArrivalName? = nil, in lane: Lane? = nil) throws -> Publication {
        let deposit = try (lane ?? self.lane).begin(name ?? self.name, expecting: Int64(bytes.count))
        try bytes.withUnsafeBytes { try deposit.write($0) }
        return try deposit.commit(expecting: Digest(of: bytes))
    }

    @Test func whatIsDepositedIsThere() throws {
        for count in [0, 1, 3_000_000] {
            let name = ArrivalName("object-\(count)")!
            let bytes = [UInt8](repeating: 7, count: count)
            let publication = try deposit(bytes, as: name)
            #expect(publication.outcome == .created)
            #expect(publication.storedName == name)
            #expect(publication.size == Int64(count))
            #expect(publication.digest == Digest(of: bytes))
            #expect(try scratch.read(name.text) == bytes)
        }
    }

    @Test func nothingIsVisibleBeforeTheCommit() throws {
        let deposit = try lane.begin(name)
        try [UInt8](repeating: 1, count: 10).withUnsafeBytes { try deposit.write($0) }
        let names = try scratch.names()
        #expect(names.count == 1)
        #expect(names.allSatisfy(StagingName.isOurs))
        #expect(try lane.holds(name, digest: deposit.digest) == nil)
        deposit.discard()
        #expect(try scratch.names().isEmpty)
        #expect(throws: LaneError.self) { try deposit.commit() }
        #expect(try scratch.names().isEmpty)
    }

    @Test func aDroppedDepositLeavesNothing() throws {
        do { _ = try lane.begin(name) }
        #expect(try scratch.names().isEmpty)
    }

    @Test func theSameBytesAgainAreADuplicate() throws {
        try deposit([1, 2, 3])
        let second = try deposit([1, 2, 3])
        #expect(second.outcome == .duplicate)
        #expect(second.storedName == name)
        #expect(try scratch.names() == [name.text])
        #expect(try lane.holds(name, digest: Digest(of: [1, 2, 3])) == name)
        #expect(try lane.holds(name, digest: Digest(of: [1, 2, 3]), size: 4) == nil)
    }

    @Test func otherBytesAreKeptBeside() throws {
        try deposit([1])
        let second = try deposit([2])
        let digest = Digest(of: [2])
        #expect(second.outcome == .keptBeside)
        #expect(second.requestedName == name)
        #expect(second.storedName == name.distinguished(by: digest.shortHex))
        #expect(try scratch.read(name.text) == [1])
        #expect(try scratch.read(second.storedName.text) == [2])
        #expect(try deposit([2]).outcome == .duplicate)
        #expect(try lane.holds(name, digest: digest) == second.storedName)
        #expect(try scratch.names().count == 2)
    }

    @Test func whenEveryNameIsTakenNothingIsOverwritten() throws {
        for candidate in name.candidates(for: Digest(of: [2])) { try scratch.write([1], to: candidate.text) }
        #expect {
            try deposit([2])
        } throws: { error in
            if case LaneError.noFreeName = error { true } else { false }
        }
        #expect(try scratch.names().count == 4)
        #expect(try scratch.read(name.text) == [1])
    }

    @Test func linksAndDirectoriesOfTheNameAreOtherObjects() throws {
        try scratch.write([9], to: "target")
        try #require(symlink("target", scratch.appending(name.text).string) == 0)
        #expect(try deposit([9]).outcome == .keptBeside)
        #expect(try scratch.read("target") == [9])
        let folder = ArrivalName("folder")!
        try #require(mkdir(scratch.appending("folder").string, 0o700) == 0)
        #expect(try deposit([1], as: folder).outcome == .keptBeside)
        let pipe = ArrivalName("pipe")!
        try #require(mkfifo(scratch.appending("pipe").string, 0o600) == 0)
        #expect(try deposit([1], as: pipe).outcome == .keptBeside)
    }

    @Test(arguments: [true, false])
    func manyAtOnceUnderOneName(sameBytes: Bool) async throws {
        let path = scratch.path
        let name = name
        let publications = try await withThrowingTaskGroup(of: Publication.self) { group in
            for index in 0..<16 {
                group.addTask {
                    let bytes = [UInt8](repeating: sameBytes ? 1 : UInt8(index), count: 100_000)
                    let deposit = try Lane(directory: path).begin(name)
                    try bytes.withUnsafeBytes { try deposit.write($0) }
                    return try deposit.commit()
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(publications.count { $0.outcome == .created } == 1)
        #expect(publications.count { $0.outcome == .duplicate } == (sameBytes ? 15 : 0))
        #expect(Set(publications.map(\.storedName)).count == (sameBytes ? 1 : 16))
        #expect(try scratch.names().count == (sameBytes ? 1 : 16))
        for publication in publications {
            #expect(Digest(of: try scratch.read(publication.storedName.text)) == publication.digest)
        }
    }

    @Test func wrongSizesAndDigestsLeaveNothing() throws {
        let bytes: [UInt8] = [1, 2, 3]
        func attempt(size: Int64?, digest: Digest?) -> LaneError? {
            #expect(throws: LaneError.self) {
                let deposit = try lane.begin(name, expecting: size)
                try bytes.withUnsafeBytes { try deposit.write($0) }
                _ = try deposit.commit(expecting: digest)
            }
        }
        for size: Int64 in [2, 4] {
            guard case .sizeMismatch(expected: size, _)? = attempt(size: size, digest: nil) else {
                Issue.record("no size mismatch for \(size)")
                continue
            }
        }
        let digest = Digest(of: [9])
        guard case .digestMismatch(expected: digest, found: Digest(of: bytes))? = attempt(size: nil, digest: digest)
        else {
            Issue.record("no digest mismatch")
            return
        }
        #expect(try scratch.names().isEmpty)
    }

    @Test func onlyAbandonedStagingFilesAreRemoved() throws {
        let alive = try lane.begin(name)
        try scratch.write([1], to: StagingName.fresh())
        try scratch.write([1], to: ".notes.part")
        try scratch.write([1], to: "object.part")
        #expect(try lane.removeAbandonedDeposits() == 1)
        #expect(try lane.removeAbandonedDeposits() == 0)
        #expect(try scratch.names().count == 3)
        try [1].withUnsafeBytes { try alive.write($0) }
        #expect(try alive.commit().outcome == .created)
    }

    @Test func aSweepNeverTakesAStagingFileInUse() async throws {
        let lane = lane
        let taken = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    var taken = 0
                    for _ in 0..<4000 {
                        let (name, file) = try Deposit.openStaging(in: lane.handle)
                        if try file.status().st_nlink == 0 { taken += 1 }
                        _ = unlinkat(lane.handle.descriptor, name, 0)
                    }
                    return taken
                }
            }
            group.addTask {
                for _ in 0..<8000 { try lane.removeAbandonedDeposits() }
                return 0
            }
            return try await group.reduce(0, +)
        }
        #expect(taken == 0)
    }

    @Test func theReserveIsKept() throws {
        let free = tibetFreeBytes()
        let careful = try Lane(directory: scratch.path, reserve: free * 2)
        #expect {
            try careful.begin(name, expecting: 1)
        } throws: { error in
            if case LaneError.reserveReached = error { true } else { false }
        }
        #expect {
            try lane.begin(name, expecting: .max)
        } throws: { error in
            if case LaneError.reserveReached = error { true } else { false }
        }
        #expect(try scratch.names().isEmpty)
    }

    private func tibetFreeBytes() -> Int64 {
        var info = statvfs()
        return statvfs(scratch.path.string, &info) == 0 ? Int64(info.f_bavail * info.f_frsize) : 0
    }

    @Test func aLaneIsMadeWithItsParentsAndOnlyIfItMay() throws {
        let path = scratch.appending("a/b/c")
        #expect {
            try Lane(existing: path)
        } throws: { error in
            if case LaneError.system(let failure) = error { failure.errno == .noSuchFileOrDirectory } else { false }
        }
        try deposit([1], in: try Lane(directory: path))
        #expect(try scratch.read("a/b/c/\(name)") == [1])
        try scratch.write([], to: "file")
        #expect(throws: LaneError.self) { try Lane(directory: scratch.appending("file/x")) }
        #expect(throws: LaneError.self) { try Lane(directory: "") }
    }

    /// Measured in time of the processor on this thread, which does not depend on what else the machine does.
    @Test func aKnownDigestIsNotComputedAgain() throws {
        let bytes = [UInt8](repeating: 7, count: 64 << 20)
        try scratch.write(bytes, to: name.text)
        func asking(for digest: Digest) throws -> (answer: ArrivalName?, time: Int) {
            func now() -> Int {
                var time = timespec()
                clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
                return time.tv_sec * 1_000_000_000 + time.tv_nsec
            }
            let start = now()
            let answer = try lane.holds(name, digest: digest)
            return (answer, now() - start)
        }
        let first = try asking(for: Digest(of: [0]))
        #expect(first.answer == nil)
        let digest = Digest(of: bytes)
        let second = try asking(for: digest)
        #expect(second.answer == name)
        #expect(second.time < first.time / 5)
        // A file that changed is read again.
        try scratch.write([8] + bytes.dropFirst(), to: name.text)
        #expect(try asking(for: digest).answer == nil)
        #expect(try asking(for: Digest(of: [8] + bytes.dropFirst())).answer == name)
    }
}
