import Foundation
import SystemPackage
import Testing

@testable import Fabric

@Suite("Acknowledgements and receipts")
struct AcknowledgementTests {
    let fixture: OutboxFixture
    let outbox: Outbox
    let receiver: SigningKey

    init() throws {
        fixture = try OutboxFixture()
        outbox = try fixture.open()
        receiver = try SigningKey.generate()
    }

    /// An acknowledgement as `tcd ack` writes it, of these keys beside the peers' own.
    private func acknowledge(
        _ reference: String, tpid: String? = nil, digest: String? = nil, kind: String = "ack", key: SigningKey? = nil
    ) throws -> FilePath {
        var payload: [String: Any] = [
            "kind": kind, "version": "v0.5.8", "referenced": reference, "ack_note": "thanks",
            "ack_timestamp_iso": "2026-05-14T06:41:48Z",
        ]
        payload["referenced_tpid"] = tpid
        payload["referenced_sha256"] = digest
        try fixture.folder.write(JSONSerialization.data(withJSONObject: payload), to: "tcd-ack.json")
        let path = fixture.folder.appending("ack-\(UUID().uuidString).tza")
        _ = try Sealer(key: key ?? receiver, options: SealOptions(senderName: "bob"))
            .seal(.path(fixture.folder.appending("tcd-ack.json").string), to: path)
        return path
    }

    /// Delivers an envelope whose acknowledgement is awaited; the plan knows the receiver's key.
    private func deliver(knowing key: PublicKey?) async throws -> OutboxEntry {
        let carrier = ScriptedCarrier()
        let plan = ScriptedPlanner(
            receiver: RoutePlan.Receiver(name: "bob", key: key, trust: nil, origin: .commandLine))
        let entry = try fixture.seal(in: outbox, wanted: .acknowledged)
        let outcome = try await Dispatcher(outbox: outbox, planner: plan) { _ in carrier }.attempt(entry.id)
        #expect(outcome.entry.state == .waiting)
        return outcome.entry
    }

    private func fault(_ body: () throws -> Void) -> AcknowledgementFault? {
        do {
            try body()
        } catch {
            guard case .acknowledgement(let fault)? = error as? OutboxError else { return nil }
            return fault
        }
        return nil
    }

    @Test("One that names transfer and digest, signed by the receiver, is what was awaited")
    func exact() async throws {
        let entry = try await deliver(knowing: receiver.publicKey)
        #expect(entry.awaited == "a sealed acknowledgement from the receiver")
        let path = try acknowledge("whatever", tpid: entry.transferID.text, digest: entry.digest.hex)
        for _ in 0..<2 {
            let confirmed = try outbox.recordAcknowledgement(path)
            #expect(confirmed.map(\.entry.state) == [.delivered])
            #expect(confirmed.map(\.binding) == [.exact])
            #expect(confirmed.first?.acknowledgement.note == "thanks")
        }
        #expect(try outbox.detail(entry.id).receipts.map(\.strengthName) == ["stored", "acknowledged"])
        #expect(try fixture.files() == [])
    }

    @Test("A peer's, which names only the name, counts as long as one envelope has it")
    func byName() async throws {
        let entry = try await deliver(knowing: receiver.publicKey)
        let path = try acknowledge(entry.name.text)
        #expect(try outbox.recordAcknowledgement(path).map(\.binding) == [.name])
        #expect(try outbox.recordAcknowledgement(try acknowledge(entry.transferID.text)).map(\.binding) == [.transfer])
    }

    @Test("The reference peer's own is read")
    func peer() throws {
        let acknowledgement = try Acknowledgement(file: try VectorFiles.path("envelope-tcd-ack.tza"))
        #expect(!acknowledgement.reference.isEmpty && !acknowledgement.isExact)
    }

    @Test("Another signer, another envelope, another kind, other bytes: none is taken")
    func refused() async throws {
        let entry = try await deliver(knowing: receiver.publicKey)
        let (tpid, digest) = (entry.transferID.text, entry.digest.hex)
        let stranger = try SigningKey.generate()
        #expect(
            fault {
                _ = try outbox.recordAcknowledgement(try acknowledge("", tpid: tpid, digest: digest, key: stranger))
            }
                == .otherSigner(found: stranger.publicKey, expected: receiver.publicKey))
        let other = Digest(of: [1]).hex
        #expect(
            fault { _ = try outbox.recordAcknowledgement(try acknowledge("x", tpid: tpid, digest: other)) }
                == .unknownReference("x"))
        let otherTransfer = TransferID.generate().text
        #expect(
            fault { _ = try outbox.recordAcknowledgement(try acknowledge("x", tpid: otherTransfer, digest: digest)) }
                == .contradiction("its digest is that of '\(tpid)', and it names another transfer"))
        #expect(
            fault { _ = try outbox.recordAcknowledgement(try acknowledge(tpid, kind: "heartbeat")) }
                == .notAcknowledgement)
        #expect(fault { _ = try outbox.recordAcknowledgement(outbox.path(of: entry)) } == .notAcknowledgement)
        let path = try acknowledge("", tpid: tpid, digest: digest)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path.string))
        bytes[bytes.count - 3] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path.string))
        #expect(throws: OutboxError.self) { try outbox.recordAcknowledgement(path) }
        #expect(try outbox.entry(entry.id).state == .waiting)
        #expect(try fixture.files().count == 1)
    }

    @Test("One that comes while it is sent again counts, however that ends", arguments: [true, false])
    func meanwhile(comesThrough: Bool) async throws {
        let carrier = ScriptedCarrier()
        carrier.answer("one", .hang)
        let entry = try fixture.seal(in: outbox, wanted: .acknowledged)
        let dispatcher = Dispatcher(outbox: outbox, planner: ScriptedPlanner()) { _ in carrier }
        let attempt = Task { try await dispatcher.attempt(entry.id) }
        #expect(await carrier.begun() == "one")
        let path = try acknowledge("", tpid: entry.transferID.text, digest: entry.digest.hex)
        let confirmed = try outbox.recordAcknowledgement(path, key: receiver.publicKey)
        #expect(confirmed.map(\.entry.state) == [.sending])
        if comesThrough { carrier.openGate() } else { attempt.cancel() }
        #expect(try await attempt.value.entry.state == .delivered)
        #expect(try fixture.files() == [])
    }

    @Test("Without a key nobody knows whose it is; with one it counts")
    func unknownKey() async throws {
        let entry = try await deliver(knowing: nil)
        let path = try acknowledge("", tpid: entry.transferID.text, digest: entry.digest.hex)
        #expect(fault { _ = try outbox.recordAcknowledgement(path) } == .unknownKey(found: receiver.publicKey))
        #expect(try outbox.recordAcknowledgement(path, key: receiver.publicKey).map(\.entry.state) == [.delivered])
        #expect(try outbox.entry(entry.id).receiverKey == receiver.publicKey)
    }

    @Test("An exported receipt is checked without the outbox")
    func exported() async throws {
        let entry = try await deliver(knowing: receiver.publicKey)
        func export() throws -> ReceiptFile {
            try fixture.folder.write(ReceiptFile(of: try outbox.detail(entry.id)).bytes, to: "receipt.json")
            return try ReceiptFile(file: fixture.folder.appending("receipt.json"))
        }
        #expect(fault { _ = try export().verify(key: nil) } == .unsigned)
        let path = try acknowledge("", tpid: entry.transferID.text, digest: entry.digest.hex)
        _ = try outbox.recordAcknowledgement(path)
        let receipt = try export()
        let proof = try receipt.verify(key: receiver.publicKey)
        #expect(proof.binding == .exact && proof.keyWasGiven)
        #expect(proof.digest == entry.digest && proof.transferID == entry.transferID)
        #expect(try !receipt.verify(key: nil).keyWasGiven)
        let stranger = try SigningKey.generate().publicKey
        #expect(
            fault { _ = try receipt.verify(key: stranger) }
                == .otherSigner(found: receiver.publicKey, expected: stranger))

        // Somebody writes another envelope into it.
        let text = try String(contentsOfFile: fixture.folder.appending("receipt.json").string, encoding: .utf8)
        let forged = text.replacingOccurrences(of: entry.digest.hex, with: Digest(of: [2]).hex)
        try fixture.folder.write(Array(forged.utf8), to: "forged.json")
        let file = try ReceiptFile(file: fixture.folder.appending("forged.json"))
        #expect(fault { _ = try file.verify(key: receiver.publicKey) } == .unknownReference(""))
        for nonsense in ["", "{}", "{\"format\":\"x\"}"] {
            try fixture.folder.write(Array(nonsense.utf8), to: "nonsense.json")
            #expect(throws: OutboxError.self) { try ReceiptFile(file: fixture.folder.appending("nonsense.json")) }
        }
    }
}
