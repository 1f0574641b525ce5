/// One reason why a file is not a valid envelope, with the code of the check that it failed.
public struct EnvelopeFault: ExplainedError, Equatable {
    /// The checks, in the order in which they are made (`envelope.md`, section 10.2).
    public enum Code: String, Sendable, CaseIterable {
        /// Not a regular file, or fewer than 12 bytes.
        case tooSmall = "too-small"
        /// The first three bytes are not `TBZ`.
        case notTBZ = "not-tbz"
        /// A block stream of the older `tbz` packer, or the bare version byte 0x85.
        case legacyFormat = "legacy-format"
        /// `TBZ` followed by a version that nobody here knows.
        case unknownVersion = "unknown-version"
        /// The manifest's length is 0, above the limit, or beyond the file.
        case manifestLength = "manifest-length"
        /// The number of blocks in the header is below 2 or above the limit.
        case blockTotal = "block-total"
        /// The manifest is not one CBOR map with text keys.
        case manifestMalformed = "manifest-malformed"
        /// The manifest is CBOR, but not in canonical form.
        case manifestNoncanonical = "manifest-noncanonical"
        /// A required key is missing, or a value is not of its type and form.
        case manifestSchema = "manifest-schema"
        /// A format version in the manifest is not 1.
        case unsupportedVersion = "unsupported-version"
        /// Header, `block_count` and the number of entries disagree.
        case blockCount = "block-count"
        /// A block entry is not at the place that its index says.
        case blockIndex = "block-index"
        /// The file ends before the last block does.
        case truncated
        /// Bytes follow the last block.
        case trailingBytes = "trailing-bytes"
        /// The manifest was not signed by the key that it names.
        case manifestSignature = "manifest-signature"
        /// Another envelope of the same sender had this transfer id.
        case replayedTPID = "replayed-tpid"
        /// This very envelope came before.
        case duplicate
        /// A stored block length differs from the manifest.
        case blockLength = "block-length"
        /// A block does not hash to what the manifest says.
        case blockHash = "block-hash"
        /// A block was not signed by the key that the manifest names.
        case blockSignature = "block-signature"
        /// `content_digest` is not the digest of the blocks (`cep.md`, section 6.2).
        case digestMismatch = "digest-mismatch"
        /// A block does not decode to the size and digest that were signed.
        case decodedContent = "decoded-content"
        /// The envelope is addressed to another key.
        case wrongReceiver = "wrong-receiver"
        /// The sender's key is not the one on record.
        case pinMismatch = "pin-mismatch"
    }

    /// Which check failed.
    public let code: Code
    /// The index of the block it concerns, 1 and up; nil when it concerns the whole.
    public let block: Int?
    /// What was found, lower case, without a full stop.
    public let detail: String

    /// A fault from its parts.
    public init(_ code: Code, block: Int? = nil, _ detail: String) {
        self.code = code
        self.block = block
        self.detail = detail
    }

    public var category: FailureCategory {
        switch code {
        case .pinMismatch, .wrongReceiver: .refused
        default: .badData
        }
    }

    public var explanation: String {
        if let block { "\(code.rawValue): block \(block): \(detail)" } else { "\(code.rawValue): \(detail)" }
    }

    public var remedy: String? {
        switch code {
        case .legacyFormat: "ask the sender to seal it with tibet-drop 0.3 or tcd"
        case .unknownVersion: "a newer program may read it"
        case .truncated: "it was cut short on the way; ask for it again"
        case .wrongReceiver: "it was not meant for this receiver"
        case .pinMismatch: "find out from the sender, by other means, whether the key was changed"
        default: nil
        }
    }
}

/// Why an envelope could not be made, read or unpacked.
public enum EnvelopeError: ExplainedError {
    /// The envelope is not valid.
    case fault(EnvelopeFault)
    /// A system call failed.
    case system(SystemFailure)
    /// A name in the envelope must not become a file name (`envelope.md`, section 12).
    case unsafeName(String, reason: String)
    /// Something to be written is there already.
    case targetExists(String)
    /// There is nothing to seal, or it is not of a kind that can be sealed.
    case unusableInput(String, reason: String)
    /// A limit stands in the way.
    case overLimit(String)
    /// An archive inside the envelope is not what it should be.
    case badArchive(String)
    /// A library refused, for a reason that should not occur.
    case library(String)

    public var category: FailureCategory {
        switch self {
        case .fault(let fault): fault.category
        case .system(let failure): failure.category
        case .unsafeName, .badArchive: .badData
        case .targetExists: .cannotCreate
        case .unusableInput: .noInput
        case .overLimit: .refused
        case .library: .software
        }
    }

    public var explanation: String {
        switch self {
        case .fault(let fault): fault.explanation
        case .system(let failure): failure.explanation
        case .unsafeName(let name, let reason): "the name '\(DisplayText.line(name))' \(reason)"
        case .targetExists(let path): "'\(DisplayText.line(path, atMost: .max))' exists already"
        case .unusableInput(let path, let reason): "cannot seal '\(DisplayText.line(path, atMost: .max))': \(reason)"
        case .overLimit(let what): what
        case .badArchive(let why): "the archive in the envelope cannot be unpacked: \(why)"
        case .library(let why): why
        }
    }

    public var remedy: String? {
        switch self {
        case .fault(let fault): fault.remedy
        case .system(let failure): failure.remedy
        case .unsafeName: "nothing was written; ask the sender what this is"
        case .targetExists: "nothing was written; choose another place or move it away"
        case .badArchive: "nothing was written"
        case .unusableInput, .overLimit, .library: nil
        }
    }
}
