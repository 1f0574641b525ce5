internal import FoundationEssentials
internal import Glibc
public import SystemPackage

/// What a receiver sealed to say that an envelope came (`daemon.md`, section 14, `ack`).
///
/// A value of this type comes from an envelope whose structure, digests and signatures hold. Whether the key that signed
/// it is the receiver's is for whoever knows that key.
public struct Acknowledgement: Sendable, Equatable {
    /// The key that signed it.
    public let signer: PublicKey
    /// The name that the signer claims.
    public let signerName: String
    /// The transfer id of the acknowledgement's own envelope.
    public let transferID: TransferID
    /// When it was sealed, by the receiver's clock.
    public let sealed: Timestamp
    /// What it refers to, as the receiver wrote it: an envelope's name, a short id, or a transfer id.
    public let reference: String
    /// The transfer id that it refers to; nil where the receiver named none, as peers do not.
    public let referencedTransfer: TransferID?
    /// The SHA-256 of the sealed envelope that it refers to; nil likewise.
    public let referencedDigest: Digest?
    /// What the receiver wrote beside it.
    public let note: String?

    /// The largest acknowledgement, sealed, in bytes.
    public static let largestEnvelope: Int64 = 1 << 20
    private static let largestPayload = 64 << 10

    /// Whether it names the transfer id and the digest, so that nobody can take it for another envelope's.
    public var isExact: Bool { referencedTransfer != nil && referencedDigest != nil }

    /// Reads and verifies the acknowledgement in the file at `path`. Blocks.
    public init(file path: FilePath) throws(OutboxError) {
        try self.init(sealed: Self.bytes(of: path))
    }

    /// The bytes of the file at `path`, which are those of a small envelope.
    static func bytes(of path: FilePath) throws(OutboxError) -> [UInt8] {
        let bytes = try OutboxError.wrapping { () throws(SystemFailure) in
            try OwnedFile(path: path, flags: O_RDONLY | O_NONBLOCK).bytes(atMost: Int(largestEnvelope) + 1)
        }
        guard bytes.count <= largestEnvelope else { throw .acknowledgement(.tooLarge) }
        return bytes
    }

    /// Verifies the acknowledgement in the bytes of an envelope. Blocks.
    init(sealed bytes: [UInt8]) throws(OutboxError) {
        let file = try OutboxError.wrapping { () throws(SystemFailure) in try OwnedFile.anonymous(holding: bytes) }
        let (manifest, payload) = try Self.content(of: file)
        guard let payload, let wire = try? JSONDecoder().decode(Wire.self, from: Data(payload)), wire.kind == "ack",
            let reference = wire.referenced
        else { throw .acknowledgement(.notAcknowledgement) }
        signer = manifest.senderKey
        signerName = manifest.senderName
        transferID = manifest.transferID
        sealed = manifest.createdAt
        self.reference = reference
        referencedTransfer = wire.referenced_tpid.flatMap { TransferID($0) }
        referencedDigest = wire.referenced_sha256.flatMap { Self.digest($0) }
        note = wire.ack_note
    }

    /// The keys of the payload that are read; peers write the first four only.
    private struct Wire: Decodable {
        let kind: String?
        let referenced: String?
        let ack_note: String?
        let referenced_sha256: String?
        let referenced_tpid: String?
    }

    private static func digest(_ text: String) -> Digest? {
        Digest(hex: text.hasPrefix("sha256:") ? String(text.dropFirst(7)) : text)
    }

    /// The manifest of the envelope in `file`, and its content, both verified; no content where there is too much.
    private static func content(of file: OwnedFile) throws(OutboxError) -> (Manifest, [UInt8]?) {
        do throws(EnvelopeError) {
            // What is verified and what is read is the same open file, which nobody else can reach.
            let envelope = try EnvelopeFile(path: FilePath("/proc/self/fd/\(file.descriptor)"))
            guard let size = envelope.manifest.decodedSize, size <= largestPayload,
                envelope.manifest.blocks.count == 1
            else { return (envelope.manifest, nil) }
            var payload: [UInt8] = []
            var blocks = try DecodedBlocks(envelope)
            while let chunk = try blocks.next() { payload.append(contentsOf: chunk.bytes) }
            return (envelope.manifest, payload)
        } catch {
            throw .envelope(error)
        }
    }
}

/// What is wrong with an acknowledgement or a receipt.
public enum AcknowledgementFault: ExplainedError, Equatable {
    /// The envelope is valid, and no acknowledgement.
    case notAcknowledgement
    /// It is larger than any acknowledgement.
    case tooLarge
    /// It was signed by another key than the receiver's.
    case otherSigner(found: PublicKey, expected: PublicKey)
    /// Nobody said which key is the receiver's.
    case unknownKey(found: PublicKey)
    /// It refers to something that is not, or no longer, in the outbox.
    case unknownReference(String)
    /// It refers by name only, and several envelopes have that name.
    case ambiguousReference(String)
    /// It names one envelope by its transfer id and another by its digest, or by its name.
    case contradiction(String)
    /// The receipt holds nothing that the receiver signed.
    case unsigned
    /// The receipt is not in the form of one.
    case notReceipt(String)

    public var category: FailureCategory {
        switch self {
        case .otherSigner, .unknownKey: .refused
        case .unknownReference: .noInput
        default: .badData
        }
    }

    public var explanation: String {
        switch self {
        case .notAcknowledgement: "the envelope is no acknowledgement"
        case .tooLarge: "the file is too large for an acknowledgement"
        case .otherSigner(let found, let expected):
            "the acknowledgement was signed by \(found), and the receiver's key is \(expected)"
        case .unknownKey(let found):
            "nothing here says whether \(found), which signed the acknowledgement, is the receiver's"
        case .unknownReference(let text): "the acknowledgement refers to '\(text)', of which the outbox knows nothing"
        case .ambiguousReference(let text):
            "the acknowledgement refers to '\(text)' by name only, and several envelopes have that name"
        case .contradiction(let what): "the acknowledgement contradicts itself: \(what)"
        case .unsigned: "the receipt holds nothing that the receiver signed, so it proves nothing to others"
        case .notReceipt(let why): "the file is no receipt: \(why)"
        }
    }

    public var remedy: String? {
        switch self {
        case .otherSigner: "ask the receiver which key is right"
        case .unknownKey: "if the key is the receiver's, say so with --key"
        case .unsigned: "ask the receiver for a sealed acknowledgement ('tcd ack')"
        default: nil
        }
    }
}

extension OwnedFile {
    /// A file with these bytes that has no name any more, so that it goes when it is closed.
    static func anonymous(holding bytes: [UInt8]) throws(SystemFailure) -> OwnedFile {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let path = FilePath(folder).appending(StagingName.fresh())
        let file = try OwnedFile(path: path, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        defer { path.withPlatformString { _ = unlink($0) } }
        try file.write(bytes)
        return file
    }
}
