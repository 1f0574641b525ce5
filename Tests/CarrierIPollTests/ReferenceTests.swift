import Fabric
import Foundation
import SystemPackage
import Testing

@testable import CarrierIPoll

/// References, and the envelopes that turn out to be meant.
@Suite("References to envelopes")
struct ReferenceTests {
    private let scratch: Scratch
    private let book: ReferenceBook
    private let lane: Lane

    init() throws {
        scratch = try Scratch()
        lane = try Lane(directory: scratch.path.appending("inbox"))
        book = ReferenceBook(ofInbox: scratch.path.appending("inbox"))
    }

    private let bytes = Array("an envelope".utf8)

    private func refer(_ id: String, _ metadata: JSONObject) throws {
        let message = try #require(
            PollMessage(["id": .text(id), "from": "zoe", "to": "bob", "metadata": .object(metadata)]))
        try book.record(EnvelopeReference(message, try #require(EnvelopeNotice(message))))
    }

    private func bring(_ name: String, _ bytes: [UInt8]) throws -> Publication {
        let deposit = try lane.begin(try #require(ArrivalName(name)), expecting: Int64(bytes.count))
        try bytes.withUnsafeBytes { try deposit.write($0) }
        return try deposit.commit()
    }

    @Test("With a digest only the envelope of that digest is meant, whatever its name")
    func byDigest() throws {
        try refer("1", ["envelope_name": "a.tza", "envelope_digest": .text(Digest(of: bytes).description)])
        let other = try bring("a.tza", [1])
        #expect(try book.note(other.requestedName, storedAs: other.storedName, digest: other.digest).isEmpty)
        #expect(try book.look(in: lane).isEmpty)
        let meant = try bring("b.tza", bytes)
        let found = try book.note(meant.requestedName, storedAs: meant.storedName, digest: meant.digest)
        #expect(found.map(\.messageID) == ["1"] && found.first?.found?.by == .digest)
        #expect(try book.references().first?.state == "present")
        #expect(try book.references().first?.record["stored_name"]?.text == "b.tza")
        // It is told once.
        #expect(try book.note(meant.requestedName, storedAs: meant.storedName, digest: meant.digest).isEmpty)
    }

    @Test("Without a digest the name has to do, and that is what the record says")
    func byName() throws {
        try refer("1", ["envelope_name": "a.tza"])
        #expect(try book.look(in: lane).isEmpty)
        _ = try bring("a.tza", bytes)
        let found = try book.look(in: lane)
        #expect(found.count == 1 && found.first?.found?.by == .name)
        let record = try #require(try book.references().first).record
        #expect(record["verification_state"]?.text == "present" && record["matched_by"]?.text == "name")
        #expect(try book.look(in: lane).isEmpty)
    }

    @Test("An envelope that was kept beside another is found by its digest")
    func keptBeside() throws {
        _ = try bring("a.tza", [1])
        let kept = try bring("a.tza", bytes)
        try refer("1", ["envelope_name": "a.tza", "envelope_digest": .text(Digest(of: bytes).description)])
        #expect(try book.look(in: lane).first?.found?.name == kept.storedName)
    }

    @Test("A name that no file can have is never looked for", arguments: ["../../etc/passwd", "/etc/passwd", "", "-x"])
    func hostileNames(name: String) throws {
        try refer("1", ["envelope_name": .text(name)])
        #expect(try book.look(in: lane).isEmpty)
        #expect(try book.references().first?.notice.name == name)
    }

    @Test("The same message is written down once, and what is found stays found")
    func once() throws {
        try refer("1", ["envelope_name": "a.tza"])
        _ = try bring("a.tza", bytes)
        _ = try book.look(in: lane)
        try refer("1", ["envelope_name": "a.tza"])
        #expect(try book.references().map(\.state) == ["present"])
    }
}
