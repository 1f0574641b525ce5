import Foundation
import SystemPackage
import Testing

@testable import Fabric

@Suite("The spool")
struct SpoolTests {
    let scratch: Scratch
    let key: SigningKey
    let source: FilePath

    init() throws {
        scratch = try Scratch()
        key = try VectorFiles.key()
        source = try scratch.write("a.txt", prose(100))
    }

    private func seal(into spool: Spool) throws -> Spooled {
        let name = try #require(ArrivalName("20260514t064148z.demo.claude.normal.tza"))
        let sealer = Sealer(key: key, options: SealOptions(senderName: "alice"))
        return try spool.seal(.path(source.string), as: name, with: sealer, at: .now())
    }

    @Test("What is sealed lies there under its name, whole, until it is removed")
    func sealed() throws {
        let spool = try Spool(state: scratch.path("state"))
        let spooled = try seal(into: spool)
        #expect(try scratch.names("state/outbox") == [spooled.envelope.name.text])
        #expect(try EnvelopeFile(path: spooled.path).digest() == spooled.envelope.digest)
        try spool.remove(spooled)
        #expect(try scratch.names("state/outbox") == [])
    }

    @Test("The same name for other bytes gets digits of the digest")
    func names() throws {
        let spool = try Spool(state: scratch.path("state"))
        let first = try seal(into: spool)
        let second = try seal(into: spool)
        #expect(first.envelope.name.text == "20260514t064148z.demo.claude.normal.tza")
        let digits = second.envelope.digest.shortHex
        #expect(second.envelope.name.text == "20260514t064148z.demo.claude.normal.\(digits).tza")
    }

    @Test("What a dead process left is removed after a day, and nothing else")
    func abandoned() throws {
        let spool = try Spool(state: scratch.path("state"))
        let kept = try seal(into: spool)
        let old = Date(timeIntervalSinceNow: -2 * 86400)
        for (name, date) in [
            ("sealing-0011223344556677", old), (".0011223344556677.part", old), ("sealing-00", Date()),
        ] {
            let path = try scratch.write("state/outbox/" + name, [1])
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path.string)
        }
        try FileManager.default.setAttributes([.modificationDate: old], ofItemAtPath: kept.path.string)
        _ = try Spool(state: scratch.path("state"))
        #expect(try scratch.names("state/outbox") == [kept.envelope.name.text, "sealing-00"])
    }

    @Test("A failure leaves nothing behind")
    func failure() throws {
        let spool = try Spool(state: scratch.path("state"))
        let sealer = Sealer(key: key, options: SealOptions(senderName: "alice"))
        let name = try #require(ArrivalName("a.tza"))
        #expect(throws: SpoolError.self) {
            try spool.seal(.path(scratch.path("missing").string), as: name, with: sealer, at: .now())
        }
        #expect(try scratch.names("state/outbox") == [])
    }
}
