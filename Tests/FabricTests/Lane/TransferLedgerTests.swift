import Foundation
import SystemPackage
import Testing

@testable import Fabric

@Suite("What came before")
struct TransferLedgerTests {
    let scratch: Scratch
    let manifest: Manifest
    let digest = Digest(of: [1])

    init() throws {
        scratch = try Scratch()
        manifest = try EnvelopeFile(path: VectorFiles.path("envelope-single.tza")).manifest
    }

    private func ledger() throws -> TransferLedger { try TransferLedger(directory: scratch.path("ledger")) }

    private var sealed: Timestamp { manifest.createdAt }

    private func later(days: Int64) -> Timestamp { Timestamp(seconds: sealed.seconds + days * 86400) }

    @Test("The variant 'replayed-tpid' is refused once its transfer was seen, and only then")
    func replayedVariant() throws {
        let rows = try #require(VectorFiles.json("envelope.json")["variants"] as? [[String: Any]])
        let row = try #require(rows.first { $0["id"] as? String == "replayed-tpid" })
        let bytes = try #require((row["base64"] as? String).flatMap { Data(base64Encoded: $0) })
        let path = try scratch.write("replayed.tza", Array(bytes))
        let envelope = try EnvelopeFile(path: path)
        let ledger = try ledger()
        #expect(try ledger.standing(of: envelope.manifest, digest: digest, at: sealed) == .fresh)
        #expect(try ledger.remember(envelope.manifest, digest: digest, at: sealed))
        let other = try envelope.digest()
        #expect(try ledger.standing(of: envelope.manifest, digest: other, at: sealed) == .replayed(first: digest))
    }

    @Test("The same envelope again is a duplicate, also for a receiver that was started anew")
    func duplicate() throws {
        #expect(try ledger().remember(manifest, digest: digest, at: sealed))
        #expect(try ledger().standing(of: manifest, digest: digest, at: later(days: 29)) == .duplicate)
        #expect(try !ledger().remember(manifest, digest: digest, at: sealed))
    }

    @Test("What the ledger would have forgotten is not taken for fresh")
    func tooOld() throws {
        #expect(try ledger().standing(of: manifest, digest: digest, at: later(days: 30)) == .fresh)
        #expect(try ledger().standing(of: manifest, digest: digest, at: later(days: 31)) == .tooOld)
    }

    @Test("Old days are forgotten, and not before the envelopes of that day are too old")
    func forgetting() throws {
        let ledger = try ledger()
        try ledger.remember(manifest, digest: digest, at: sealed)
        let other = try EnvelopeFile(path: VectorFiles.path("envelope-empty.tza")).manifest
        try ledger.remember(other, digest: digest, at: later(days: 31))
        #expect(try scratch.names("ledger").count == 2)
        try ledger.remember(manifest, digest: digest, at: later(days: 32))
        #expect(try !scratch.names("ledger").contains(sealed.surfaceDate))
    }

    @Test(
        "What is dated ahead is remembered until its date plus 31 days, however early it came", arguments: [1, 20, 400])
    func datedAhead(days: Int64) throws {
        let ledger = try ledger()
        let other = try EnvelopeFile(path: VectorFiles.path("envelope-empty.tza")).manifest
        try ledger.remember(manifest, digest: digest, at: later(days: -days))
        // A new day makes the ledger forget.
        try ledger.remember(other, digest: digest, at: later(days: 30))
        #expect(try ledger.standing(of: manifest, digest: digest, at: later(days: 30)) == .duplicate)
        #expect(try scratch.names("ledger").count == 2)
    }

    @Test("Dates far ahead do not make a folder each")
    func foldersAhead() throws {
        let ledger = try ledger()
        let other = try EnvelopeFile(path: VectorFiles.path("envelope-empty.tza")).manifest
        try ledger.remember(manifest, digest: digest, at: later(days: -400))
        try ledger.remember(other, digest: digest, at: later(days: -400))
        #expect(try scratch.names("ledger") == ["\(sealed.iso8601.prefix(4))-12-31"])
    }

    @Test("Of many that remember one transfer at once, one is the first")
    func oneIsFirst() async throws {
        let (path, manifest, digest, sealed) = (scratch.path("ledger"), manifest, digest, sealed)
        let firsts = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    try TransferLedger(directory: path).remember(manifest, digest: digest, at: sealed)
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(firsts == 1)
        let names = try scratch.names("ledger/" + sealed.surfaceDate)
        #expect(names.count == 1, "\(names)")
    }
}
