/// What is to become of something that came, and why.
public struct TrustDecision: Sendable, Equatable {
    /// What the receiver does with it. The raw values stand in records.
    public enum Outcome: String, Sendable, CaseIterable {
        /// It may be dealt with unattended.
        case proceed = "continue"
        /// It is kept and shown; only a command by hand goes further.
        case triage
        /// It is kept where it is, and nothing goes further.
        case refused
    }

    /// Everything that speaks against dealing with it unattended, the gravest first; empty exactly when it may be.
    public let objections: [TrustObjection]
    /// How far it was verified. `continuation-approved` is reached only by the key that is pinned for the claimed name.
    public let state: VerificationState
    /// The key that signed, compared with the pin of the name; nil where nothing was signed or proven.
    public let signer: SignerStanding?

    init(objections: [TrustObjection], state: VerificationState, signer: SignerStanding?) {
        self.objections = objections.filter(\.isRefusal) + objections.filter { !$0.isRefusal }
        self.state = state
        self.signer = signer
    }

    /// The gravest objection; nil where there is none.
    public var objection: TrustObjection? { objections.first }

    /// What the receiver does.
    public var outcome: Outcome {
        guard let objection else { return .proceed }
        return objection.isRefusal ? .refused : .triage
    }

    /// Why it is refused, also to a command by hand; nil unless it is.
    public var refusal: TrustObjection? { objection.flatMap { $0.isRefusal ? $0 : nil } }

    /// Whether the key is the one that is pinned for the name.
    public var isPinned: Bool { signer?.isPinned ?? false }
}

extension SignerStanding {
    /// Whether the key is the one that is pinned for the name.
    public var isPinned: Bool { if case .matches = pin { true } else { false } }
}

/// A reason not to deal with something unattended.
public enum TrustObjection: ExplainedError, Equatable {
    /// The envelope is not valid.
    case invalid(EnvelopeFault)
    /// It was not signed by a key that was asked for.
    case otherKey(SignerStanding)
    /// Another key is pinned for the name.
    case pinMismatch(SignerStanding)
    /// No key is pinned for the name, and one has to be.
    case notPinned(SignerStanding)
    /// It is addressed to another key than this machine's; the key as the manifest spells it.
    case wrongReceiver(addressee: String)
    /// It came before, another one came in its place, or it is too old to tell.
    case cameBefore(EnvelopeFault)
    /// Its name contradicts its manifest, or only one of them has a surface.
    case surface(SurfaceComparison)
    /// It was signed by a key that was replaced since.
    case formerKey(SignerStanding)
    /// No key is pinned for the name.
    case unknownSigner(SignerStanding)
    /// The name is pinned and not among those that were asked for.
    case notListed(SignerStanding)
    /// Nothing proves that it comes from the name that it claims.
    case unproven(String)
    /// It is addressed to a key, and this machine has no identity to compare it with.
    case receiverUnknown(addressee: String)
    /// It is dated more than a day ahead of this machine's clock.
    case datedAhead(Timestamp)

    /// Whether a command by hand is refused as well.
    public var isRefusal: Bool {
        switch self {
        case .invalid, .otherKey, .pinMismatch, .notPinned, .wrongReceiver, .cameBefore: true
        case .surface, .formerKey, .unknownSigner, .notListed, .unproven, .receiverUnknown, .datedAhead: false
        }
    }

    /// The word for records.
    public var code: String {
        switch self {
        case .invalid(let fault), .cameBefore(let fault): fault.code.rawValue
        case .otherKey, .pinMismatch: EnvelopeFault.Code.pinMismatch.rawValue
        case .notPinned: "not-pinned"
        case .wrongReceiver: EnvelopeFault.Code.wrongReceiver.rawValue
        case .surface(let comparison): "surface-\(comparison.status.rawValue.lowercased())"
        case .formerKey: "former-key"
        case .unknownSigner: "unknown-signer"
        case .notListed: "not-listed"
        case .unproven: "unproven"
        case .receiverUnknown: "receiver-unknown"
        case .datedAhead: "dated-ahead"
        }
    }

    public var category: FailureCategory {
        switch self {
        case .invalid(let fault), .cameBefore(let fault): fault.category
        default: .refused
        }
    }

    public var explanation: String {
        switch self {
        case .invalid(let fault), .cameBefore(let fault): fault.explanation
        case .otherKey(let signer):
            "\(code): it was signed by \(signer.key.hex), which is not a key that was asked for"
        case .pinMismatch(let signer):
            "the key of '\(signer.shownName)' is pinned to \(signer.pinnedFingerprint); this was signed with "
                + signer.fingerprint
        case .notPinned(let signer), .unknownSigner(let signer):
            "no key is pinned for '\(signer.shownName)', and this was signed with \(signer.fingerprint)"
        case .wrongReceiver(let key):
            "wrong-receiver: it is addressed to the key '\(DisplayText.line(key))', not to this machine's identity"
        case .surface(let comparison): comparison.objection
        case .formerKey(let signer):
            "it was signed with \(signer.fingerprint), a former key of '\(signer.shownName)'; pinned is "
                + signer.pinnedFingerprint
        case .notListed(let signer): "'\(signer.shownName)' is pinned, and is not among the senders of --from"
        case .unproven(let name): "nothing proves that it comes from '\(DisplayText.line(name))'"
        case .receiverUnknown(let key):
            "it is addressed to the key '\(DisplayText.line(key))', and this machine has no identity"
        case .datedAhead(let moment): "it is dated \(moment.iso8601), more than a day ahead of this machine's clock"
        }
    }

    public var remedy: String? {
        switch self {
        case .invalid(let fault), .cameBefore(let fault): fault.remedy
        case .otherKey: nil
        case .pinMismatch: "ask its owner by another way; if the change is meant, use 'tcd trust rotate signer'"
        case .notPinned, .unknownSigner: "if it is the right one, use 'tcd trust add signer'"
        case .wrongReceiver: "give --any-receiver to take it all the same"
        case .surface: "look at it before it is used"
        case .formerKey: "ask the sender to seal it again with the present key"
        case .notListed: "add --from to take it"
        case .unproven: "have it sent by a registered agent whose key is pinned ('tcd trust add signer')"
        case .receiverUnknown: "make the identity ('tcd identity init'), or give --any-receiver"
        case .datedAhead: "compare the clocks of both machines"
        }
    }
}

extension SignerStanding {
    fileprivate var shownName: String { DisplayText.line(name) }

    fileprivate var pinnedFingerprint: String {
        pinned.map { "\($0.fingerprint) since \($0.since.iso8601)" } ?? "no key"
    }
}

extension SurfaceComparison {
    fileprivate var objection: String {
        guard status == .mismatch else { return "only one of its name and its manifest has a surface" }
        return "its name contradicts its manifest in " + differences.map(\.label).joined(separator: ", ")
    }
}
