import Fabric
import Foundation
import SystemPackage
import Testing

@testable import CarrierHTTP

@Suite struct InboxAddressTests {
    @Test(arguments: [
        ("http://h:1", "http://h:1/inbox/a.tza"), ("http://h:1/", "http://h:1/inbox/a.tza"),
        ("https://h/p", "https://h/p/inbox/a.tza"), ("http://h/inbox", "http://h/inbox/a.tza"),
        ("http://h/p/inbox/", "http://h/p/inbox/a.tza"), ("http://[::1]:8443", "http://[::1]:8443/inbox/a.tza"),
        ("HTTP://h", "http://h/inbox/a.tza"), ("http://inbox", "http://inbox/inbox/a.tza"),
    ])
    func addsTheInboxOnce(_ base: String, _ expected: String) throws {
        #expect(try InboxAddress(Route(scheme: "http", address: base)).envelope(ArrivalName("a.tza")!) == expected)
    }

    @Test(arguments: [
        "", "h:1", "ftp://h", "http://", "http:///x", "http://u:p@h", "http://h/?x=1", "http://h/#f", "http://h/a b",
        "http://h/\r\nX: y", "http://:80", "http://h/{",
    ])
    func refusesOthers(_ base: String) {
        let error = #expect(throws: CarrierError.self) {
            try InboxAddress(Route(scheme: "http", address: base))
        }
        #expect(error?.kind == .misconfigured)
    }
}

@Suite struct RequestTargetTests {
    @Test(arguments: [
        "a.tza", "A-b_c.1", "%61.tza", String(repeating: "n", count: 200),
    ])
    func takesNames(_ name: String) {
        guard case .inbox(.some) = RequestTarget("/inbox/" + name) else {
            Issue.record("'\(name)' was refused")
            return
        }
    }

    @Test(arguments: [
        "", ".", "..", "a/b", "a%2Fb", "a..b", "a\\b", "a%5Cb", "q.tza?x=1", ".hidden", "%2ehidden", "z.part", "z.tmp",
        "z.PART", "a%", "a%4", "a%zz", "a%00b", "a b", "a%20b", "-x", "%c3%a9", String(repeating: "n", count: 201),
        ".uploads/short", ".uploads/" + String(repeating: "A", count: 64), "%252e",
    ])
    func refusesNames(_ name: String) { #expect(RequestTarget("/inbox/" + name) == .inbox(nil)) }

    @Test func knowsItsPaths() {
        #expect(RequestTarget("/") == .health)
        #expect(RequestTarget("/health") == .health)
        let id = String(repeating: "a", count: 64)
        #expect(RequestTarget("/inbox/.uploads/" + id) == .upload(id: id))
        for path in ["/health?a=1", "/nope", "/inbox", "", "*", "/healthy", "//health"] {
            #expect(RequestTarget(path) == .unknown, "\(path)")
        }
    }
}

@Suite struct StructuredFieldsTests {
    @Test func digestsComeBack() {
        let digest = Digest(of: [1, 2, 3])
        #expect(StructuredFields.digest(in: StructuredFields.text(of: digest)) == digest)
        #expect(StructuredFields.digest(in: "sha-512=:AA==:, " + StructuredFields.text(of: digest)) == digest)
        for text in ["", "sha-256=", "sha-256=::", "sha-256=:AA==:", "sha-256=:####:", "sha-512=:AA==:"] {
            #expect(StructuredFields.digest(in: text) == nil)
        }
    }

    @Test func countsAreOnlyDigits() {
        #expect(StructuredFields.count(in: "0") == 0)
        #expect(StructuredFields.count(in: "999999999999999999") == 999_999_999_999_999_999)
        for text in ["", "-1", "+1", " 1", "1 ", "1e3", "9999999999999999999", "١"] {
            #expect(StructuredFields.count(in: text) == nil)
        }
    }

    @Test func locationsNameUploadsOnly() {
        let id = String(repeating: "0", count: 64)
        #expect(UploadID.parse(location: "/inbox/.uploads/" + id) == id)
        #expect(UploadID.parse(location: "http://elsewhere/.uploads/" + id) == id)
        for text in ["", "/", id, "/inbox/" + id, "/inbox/.uploads/x", "/inbox/.uploads/" + id + "/"] {
            #expect(UploadID.parse(location: text) == nil)
        }
    }
}

@Suite struct ReplayMemoryTests {
    private func entry(_ number: UInt8) -> ReplayMemory.Key {
        ReplayMemory.Key(signer: key(1).publicKey, timestamp: "t", digest: Digest(of: [number]))
    }

    private func publication(_ number: UInt8) -> Publication {
        let name = ArrivalName("n\(number)")!
        return Publication(
            outcome: .created, requestedName: name, storedName: name, digest: Digest(of: [number]), size: 1)
    }

    @Test func remembersWhatWasSettled() async {
        let memory = ReplayMemory(window: .seconds(100))
        #expect(await memory.claim(entry(1)) == nil)
        await memory.settle(entry(1), with: publication(1))
        #expect(await memory.claim(entry(1)) == publication(1))
        #expect(await memory.claim(entry(2)) == nil)
    }

    @Test func aSecondClaimWaitsForTheFirst() async {
        let memory = ReplayMemory(window: .seconds(100))
        #expect(await memory.claim(entry(1)) == nil)
        async let second = memory.claim(entry(1))
        await memory.settle(entry(1), with: publication(1))
        #expect(await second == publication(1))
    }

    @Test func whatFailedMayBeTriedAgain() async {
        let memory = ReplayMemory(window: .seconds(100))
        #expect(await memory.claim(entry(1)) == nil)
        await memory.settle(entry(1), with: nil)
        #expect(await memory.claim(entry(1)) == nil)
    }

    @Test func isBounded() async {
        let memory = ReplayMemory(window: .seconds(100), capacity: 2)
        for number in UInt8(1)...4 {
            #expect(await memory.claim(entry(number)) == nil)
            await memory.settle(entry(number), with: publication(number))
        }
        #expect(await memory.outcome(of: entry(1)) == nil)
        #expect(await memory.outcome(of: entry(4)) == publication(4))
    }

    @Test func forgetsAfterTwiceTheWindow() async {
        let memory = ReplayMemory(window: .zero)
        #expect(await memory.claim(entry(1)) == nil)
        await memory.settle(entry(1), with: publication(1))
        #expect(await memory.outcome(of: entry(1)) == nil)
    }

    @Test func isThereAfterARestart() async throws {
        let workspace = Workspace()
        func memory(at moment: Timestamp = .now(), capacity: Int = 100) -> ReplayMemory {
            ReplayMemory(
                window: .seconds(100), capacity: capacity,
                journal: LineJournal(
                    directory: workspace.path.appending("journal"), keeping: .seconds(200), capacity: capacity,
                    at: moment))
        }
        let first = memory()
        for number in UInt8(1)...3 {
            #expect(await first.claim(entry(number)) == nil)
            await first.settle(entry(number), with: number == 3 ? nil : publication(number))
        }
        let second = memory()
        #expect(await second.claim(entry(1)) == publication(1))
        #expect(await second.claim(entry(2)) == publication(2))
        #expect(await second.claim(entry(3)) == nil)
        await second.settle(entry(3), with: publication(3))
        #expect(await memory().outcome(of: entry(3)) == publication(3))
        // What is older than twice the window is not remembered.
        let later = Timestamp(seconds: Timestamp.now().seconds + 300)
        #expect(await memory(at: later).outcome(of: entry(3)) == nil)
    }

    @Test func theJournalIsBoundedAndSurvivesDamage() throws {
        let workspace = Workspace()
        let path = workspace.path.appending("journal")
        func journal(_ seconds: Int64) -> LineJournal {
            LineJournal(directory: path, keeping: .seconds(100), capacity: 3, at: Timestamp(seconds: seconds))
        }
        #expect(workspace.all("journal").isEmpty)
        let first = journal(1000)
        for number in 1...8 { try first.append("line \(number)", at: Timestamp(seconds: 1000)) }
        // Two files of three lines at most.
        #expect(journal(1000).earlier.map(\.line) == ["line 4", "line 5", "line 6", "line 7", "line 8"])
        #expect(workspace.all("journal") == ["current", "previous"])
        // A line that was cut off is lost, and only that one.
        let current = workspace.path.appending("journal/current").string
        let file = try #require(FileHandle(forUpdatingAtPath: current))
        _ = try file.seekToEnd()
        file.write(Data("10".utf8))
        try file.close()
        try journal(1050).append("line 9", at: Timestamp(seconds: 1050))
        #expect(journal(1050).earlier.map(\.line).suffix(2) == ["line 8", "line 9"])
        #expect(journal(1101).earlier.map(\.line) == ["line 9"])
        try journal(1200).append("line 10", at: Timestamp(seconds: 1200))
        #expect(journal(1200).earlier.map(\.line) == ["line 10"])
    }
}
