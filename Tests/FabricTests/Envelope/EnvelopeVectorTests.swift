import Foundation
import SystemPackage
import Testing

@testable import Fabric

@Suite("Envelopes made by the peers")
struct EnvelopeVectorTests {
    static let names = [
        "binary64k", "directory", "empty", "manyblocks", "nosurface", "partial-surface", "reseal", "single", "tcd-ack",
        "tcd-heartbeat", "tcd-send-jis", "tcd-send", "transfer-token",
    ].map { "envelope-\($0).tza" }

    @Test("Each is valid", arguments: names)
    func valid(name: String) throws {
        let envelope = try EnvelopeFile(path: VectorFiles.path(name))
        #expect(try envelope.verifyBlocks().faults == [])
        #expect(envelope.isSigned)
    }

    /// The peer's own vector of long names has components that no file system here can hold.
    static let unpackable = names.filter { $0 != "envelope-manyblocks.tza" }

    @Test("A name that no file system holds is refused before anything is written")
    func longNames() throws {
        let scratch = try Scratch()
        let envelope = try EnvelopeFile(path: VectorFiles.path("envelope-manyblocks.tza"))
        #expect(throws: EnvelopeError.self) { try Unpacker().unpack(envelope, into: scratch.path("out")) }
        #expect(try scratch.names() == [])
    }

    @Test("Each unpacks to the bytes that are in it", arguments: unpackable)
    func unpack(name: String) throws {
        let scratch = try Scratch()
        let envelope = try EnvelopeFile(path: VectorFiles.path(name))
        _ = try Unpacker().unpack(envelope, into: scratch.path("out"))
        for block in envelope.manifest.blocks {
            #expect(Digest(of: try scratch.read("out/" + block.name)) == block.digest)
        }
    }

    /// The check that has to find each damage first.
    static let expected: [String: EnvelopeFault.Code] = [
        "flip-block-byte": .blockHash, "flip-manifest-byte": .manifestSignature,
        "flip-block-sig-char": .manifestSignature, "truncated-1": .truncated, "truncated-no-blocks": .truncated,
        "truncated-in-manifest": .manifestLength, "truncated-header": .tooSmall, "trailing-byte": .trailingBytes,
        "total-plus-one": .blockCount, "total-zero": .blockTotal, "mlen-huge": .manifestLength,
        "mlen-zero": .manifestLength, "mlen-plus-4": .manifestMalformed, "swapped-blocks": .blockLength,
        "dropped-last-block": .blockCount, "legacy-0x85-byte": .legacyFormat,
        "legacy-block-stream-133": .legacyFormat, "legacy-block-stream-134": .legacyFormat,
        "version-0x02": .unknownVersion, "not-tbz": .notTBZ, "manifest-trailing-junk": .manifestMalformed,
        "manifest-noncanonical-order": .manifestNoncanonical, "manifest-indefinite-map": .manifestNoncanonical,
        "manifest-long-int": .manifestNoncanonical, "manifest-duplicate-key": .manifestNoncanonical,
        "manifest-tag-55799": .manifestMalformed, "manifest-not-a-map": .manifestMalformed,
        "no-manifest-sig": .manifestSchema, "no-sender-pubkey": .manifestSchema,
        "sender-pubkey-not-hex": .manifestSchema, "sig-spaced-upper-hex": .manifestSchema,
        "resigned-block-count-field": .blockCount, "resigned-size-bytes": .truncated,
        "resigned-format-version-2": .unsupportedVersion, "resigned-upper-sha": .manifestSchema,
        "resigned-bad-block-sig": .blockSignature, "resigned-no-index": .manifestSchema,
        "resigned-index-2": .blockIndex, "resigned-no-tpid": .manifestSchema,
        "resigned-zero-blocks": .blockTotal,
    ]

    @Test("Each damaged or odd variant is judged as required, for the right reason")
    func variants() throws {
        let rows = try #require(VectorFiles.json("envelope.json")["variants"] as? [[String: Any]])
        #expect(rows.count == 52)
        let scratch = try Scratch()
        for row in rows {
            let id = try #require(row["id"] as? String)
            // Whether a transfer id was seen before is not a property of the file.
            guard id != "replayed-tpid" else { continue }
            let isAccepted = id.hasPrefix("name-") || id == "resigned-extra-keys"
            let expected = Self.expected[id]
            #expect(isAccepted == (expected == nil), "no verdict is written down for \(id)")
            let bytes = try #require((row["base64"] as? String).flatMap { Data(base64Encoded: $0) })
            let path = try scratch.write(id, Array(bytes))
            #expect(Self.verdict(on: path) == expected, "\(id)")
            if id.hasPrefix("name-") { try expectRefusal(of: path, named: id, in: scratch) }
        }
    }

    private static func verdict(on path: FilePath) -> EnvelopeFault.Code? {
        do {
            return try EnvelopeFile(path: path).verifyBlocks().faults.first?.code
        } catch EnvelopeError.fault(let fault) {
            return fault.code
        } catch {
            Issue.record("\(path): \(error)")
            return nil
        }
    }

    private func expectRefusal(of path: FilePath, named id: String, in scratch: Scratch) throws {
        let envelope = try EnvelopeFile(path: path)
        let before = try scratch.names()
        #expect("\(id)") {
            try Unpacker().unpack(envelope, into: scratch.path("out"))
        } throws: { error in
            if case EnvelopeError.unsafeName = error { true } else { false }
        }
        #expect(try scratch.names() == before, "\(id) left something behind")
    }

    @Test("Packed again with the same key, id and clock, the bytes are the peer's", arguments: unpackable)
    func byteExact(name: String) throws {
        let envelope = try EnvelopeFile(path: VectorFiles.path(name))
        let key = try VectorFiles.key()
        guard envelope.manifest.senderKey == key.publicKey,
            envelope.manifest.fields["transfer_out_token_id"]?.isNull == true
        else { return }
        let scratch = try Scratch()
        _ = try Unpacker().unpack(envelope, into: scratch.path("in"))
        let isFile = envelope.manifest.blocks.count == 1
        let source = isFile ? scratch.path("in/" + envelope.manifest.blocks[0].name) : scratch.path("in")
        let options = SealOptions(repeating: envelope.manifest)
        _ = try Sealer(key: key, options: options).seal(.path(source.string), to: scratch.path("again.tza"))
        #expect(try scratch.read("again.tza") == Array(try Data(contentsOf: VectorFiles.url(name))))
    }

    @Test("At least the six plain vectors are packed again")
    func byteExactIsNotEmpty() throws {
        let key = try VectorFiles.key().publicKey
        let own = try Self.names.filter { try EnvelopeFile(path: VectorFiles.path($0)).manifest.senderKey == key }
        #expect(own.count >= 6)
    }
}

extension SealOptions {
    /// What a peer was asked for when it made an envelope.
    init(repeating manifest: Manifest) {
        self.init(senderName: manifest.senderName)
        receiverName = manifest.receiverName
        receiverKey = manifest.receiverKey
        payloadType = manifest.payloadType
        surface = manifest.surface
        transferID = manifest.transferID
        time = manifest.createdAt
        layout = .files
        writesExtensions = false
    }
}
