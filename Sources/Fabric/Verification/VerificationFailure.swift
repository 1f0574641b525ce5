/// Why an envelope was not verified further, and how far it was.
public struct VerificationFailure: ExplainedError, Equatable {
    /// What did not hold.
    public enum Reason: Sendable, Equatable {
        /// The file is not the one that was announced.
        case otherFile(announced: Digest, found: Digest?)
        /// The manifest names another number of blocks than there are.
        case blockCount(named: Int, found: Int)
        /// The block at this position, from 0, is not the one that the manifest names.
        case otherBlock(Int)
        /// The content is not the one that was announced, or that the manifest names.
        case otherContent(expected: Digest, found: Digest)
        /// The container's parts do not fit together.
        case brokenStructure
        /// The manifest's signature does not hold.
        case manifestSignature
        /// A block's signature does not hold.
        case blockSignature
        /// The name and the manifest do not tell the same story.
        case surface(SurfaceComparison)
        /// Policy does not allow going on.
        case policy(PolicyVerdict)
        /// The sender's key is not pinned.
        case unknownSender(PublicKey)
    }

    /// The state that was reached, which a record reports.
    public let state: VerificationState
    /// Why it went no further.
    public let reason: Reason

    init(_ state: VerificationState, _ reason: Reason) {
        self.state = state
        self.reason = reason
    }

    public var category: FailureCategory {
        switch reason {
        case .surface, .policy, .unknownSender: .refused
        default: .badData
        }
    }

    public var explanation: String { "the envelope is \(state) and no more: \(reason.explanation)" }

    public var remedy: String? {
        switch reason {
        case .surface: "look at the envelope before using it"
        case .policy: "have an operator decide"
        case .unknownSender: "pin the key if it is the sender's"
        default: "have it sent again"
        }
    }
}

extension VerificationFailure.Reason {
    var explanation: String {
        switch self {
        case .otherFile(let announced, let found):
            "the file hashes to \(found?.hex ?? "something unknown"), not to \(announced.hex)"
        case .blockCount(let named, let found): "it has \(found) blocks where its manifest names \(named)"
        case .otherBlock(let index): "block \(index) is not the one that its manifest names"
        case .otherContent(let expected, let found): "the content hashes to \(found.hex), not to \(expected.hex)"
        case .brokenStructure: "its parts do not fit together"
        case .manifestSignature: "the signature of its manifest does not hold"
        case .blockSignature: "the signature of a block does not hold"
        case .surface(let comparison): "name and manifest give \(comparison.explanation)"
        case .policy(let verdict): "policy says \(verdict.rawValue)"
        case .unknownSender(let key): "the sender's key \(key.hex) is not pinned"
        }
    }
}

extension SurfaceComparison {
    /// The status, and the fields that differ.
    var explanation: String {
        guard !differences.isEmpty else { return status.rawValue }
        return "\(status.rawValue) in " + differences.map(\.label).joined(separator: ", ")
    }
}
