import CLinux
import Glibc
import SystemPackage
import Testing

@testable import Fabric

@Suite("The ledger of used names")
struct SurfaceLedgerTests {
    let scratch: ScratchDirectory
    let ledger: SurfaceLedger
    let name = ArrivalName("2026-05-14.demo.claude.normal.tza")!
    let moment = Timestamp(iso8601: "2026-05-14T06:41:48Z")!
    let today = "names-2026-05-14"

    init() throws {
        scratch = try ScratchDirectory()
        ledger = try SurfaceLedger(directory: scratch.path)
    }

    private func digest(_ text: String) -> Digest { Digest(of: text.utf8) }

    @Test func aNameIsGivenOnceAndDistinguishedAfterwards() throws {
        #expect(try ledger.claim(name, digest: digest("a"), at: moment) == name)
        let second = try ledger.claim(name, digest: digest("b"), at: moment)
        #expect(second.text == "2026-05-14.demo.claude.normal.\(digest("b").shortHex).tza")
        #expect(SurfaceName(parsing: second.text).conformance == .conforming)
    }

    @Test func theSameBytesKeepTheirName() throws {
        for ledger in [ledger, try SurfaceLedger(directory: scratch.path)] {
            #expect(try ledger.claim(name, digest: digest("a"), at: moment) == name)
            let second = try ledger.claim(name, digest: digest("b"), at: moment)
            #expect(second == name.distinguished(by: digest("b").shortHex))
        }
        #expect(try scratch.read(today).count { $0 == UInt8(ascii: "\n") } == 2)
    }

    @Test func digestsWithTheSameFirstDigitsAreToldApart() throws {
        let first = try #require(Digest(bytes: [UInt8](repeating: 7, count: 32)))
        let second = try #require(Digest(bytes: [UInt8](repeating: 7, count: 4) + [UInt8](repeating: 8, count: 28)))
        _ = try ledger.claim(name, digest: digest("a"), at: moment)
        #expect(try ledger.claim(name, digest: first, at: moment) == name.distinguished(by: "07070707"))
        #expect(try ledger.claim(name, digest: second, at: moment) == name.distinguished(by: "0707070708080808"))
    }

    @Test func ledgersThatShareADirectorySeeEachOther() throws {
        let other = try SurfaceLedger(directory: scratch.path)
        #expect(try ledger.claim(name, digest: digest("a"), at: moment) == name)
        #expect(try other.claim(name, digest: digest("b"), at: moment) != name)
        #expect(try ledger.claim(name, digest: digest("c"), at: moment) != name)
        #expect(try other.claim(name, digest: digest("a"), at: moment) == name)
    }

    @Test func manyAtOnceNeverGetTheSameName() async throws {
        let path = scratch.path
        let name = name
        let moment = moment
        let names = try await withThrowingTaskGroup(of: [String].self) { group in
            for worker in 0..<4 {
                group.addTask {
                    let ledger = try SurfaceLedger(directory: path)
                    return try (0..<25).map { index in
                        try ledger.claim(name, digest: Digest(of: "\(worker) \(index)".utf8), at: moment).text
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(names).count == 100)
        #expect(names.count { $0 == name.text } == 1)
    }

    @Test func daysAreKeptApartAndOldOnesDropped() throws {
        let old = ArrivalName("20260511t000000z.demo.claude.normal.tza")!
        #expect(try ledger.claim(old, digest: digest("a"), at: moment) == old)
        // An old time that was given away just now is still remembered.
        #expect(try ledger.claim(name, digest: digest("a"), at: moment) == name)
        #expect(try ledger.claim(old, digest: digest("b"), at: moment) != old)

        setAge(of: "names-2026-05-11", to: moment.seconds - 3 * 86400)
        let tomorrow = ArrivalName("2026-05-15.demo.claude.normal.tza")!
        #expect(try ledger.claim(tomorrow, digest: digest("a"), at: moment) == tomorrow)
        #expect(try scratch.names() == ["lock", today, "names-2026-05-15"])
    }

    private func setAge(of file: String, to seconds: Int64) {
        _ = scratch.appending(file).withPlatformString { tibet_set_times(AT_FDCWD, $0, seconds, 0) }
    }

    @Test func aNameWithoutADayBelongsToTheDayOfTheClaim() throws {
        let plain = ArrivalName("notes.txt")!
        #expect(try ledger.claim(plain, digest: digest("a"), at: moment) == plain)
        #expect(try ledger.claim(plain, digest: digest("b"), at: moment).text == "notes.txt.\(digest("b").shortHex)")
        #expect(try scratch.names() == ["lock", today])
    }

    @Test func aBrokenFileIsReplacedAndWhatCanBeReadIsKept() throws {
        _ = try ledger.claim(name, digest: digest("a"), at: moment)
        let good = try scratch.read(today)
        let damage: [[UInt8]] = [
            good + Array("\(digest("b").hex) half-a-na".utf8), [0, 0, 0, 0x0a] + good, good + [0xff, 0xfe],
            good + [0x0a] + Array("nonsense\n".utf8), good + Array("\(digest("b").hex) ../../etc\n".utf8),
        ]
        for bytes in damage {
            try scratch.write(bytes, to: today)
            let ledger = try SurfaceLedger(directory: scratch.path)
            #expect(try ledger.claim(name, digest: digest("c"), at: moment) != name)
            #expect(try scratch.read(today).starts(with: good) || scratch.read(today).count > good.count)
            #expect(try self.ledger.claim(name, digest: digest("d"), at: moment) != name)
        }
        try scratch.write([], to: today)
        #expect(try ledger.claim(name, digest: digest("e"), at: moment) == name)
    }

    @Test func aLinkInPlaceOfTheFileIsReplacedAndNotFollowed() throws {
        try scratch.write([], to: "target")
        #expect(symlink("target", scratch.appending(today).string) == 0)
        #expect(try ledger.claim(name, digest: digest("a"), at: moment) == name)
        #expect(try scratch.read("target").isEmpty)
        #expect(try ledger.claim(name, digest: digest("b"), at: moment) != name)
    }

    @Test func aFullDayDistinguishesEveryName() throws {
        try scratch.write([], to: today)
        #expect(truncate(scratch.appending(today).string, off_t(LedgerDay.fullSize)) == 0)
        let claimed = try ledger.claim(name, digest: digest("a"), at: moment)
        #expect(claimed == name.distinguished(by: String(digest("a").hex.prefix(16))))
        #expect(SurfaceName(parsing: claimed.text).conformance == .conforming)
    }

    @Test func aNameThatCannotGrowIsRefusedTheSecondTime() throws {
        let long = ArrivalName(String(repeating: "x", count: 200))!
        #expect(try ledger.claim(long, digest: digest("a"), at: moment) == long)
        let error = #expect(throws: SurfaceError.self) { try ledger.claim(long, digest: digest("b"), at: moment) }
        guard case .noFreeName? = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
    }

    @Test func aDirectoryThatCannotBeMadeIsExplained() throws {
        try scratch.write([], to: "file")
        let error = #expect(throws: SurfaceError.self) { try SurfaceLedger(directory: scratch.appending("file/x")) }
        #expect(error?.description.hasPrefix("cannot remember the names that were used: ") == true)
    }
}
