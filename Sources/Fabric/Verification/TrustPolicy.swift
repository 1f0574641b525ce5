/// Whom a receiver believes, and what it does with what comes. Everything that receives asks `decide`, and nothing else:
///
/// | question | answered by |
/// |---|---|
/// | is it whole, and signed by the key that it names? | `EnvelopeVerdict` |
/// | is it really from the name that it claims? | `signers`: the pin for that name |
/// | is it for me? | `receiver` |
/// | did it come before? | the standing in the ledger |
/// | may it be dealt with unattended? | all of these, `senders` and `requiresPin` |
///
/// A pure function of its inputs: it reads no file and no clock.
public struct TrustPolicy: Sendable {
    /// Which envelopes are for this receiver.
    public enum Receiver: Sendable, Equatable {
        /// Those that are addressed to this key, or to no key.
        case identity(PublicKey)
        /// This machine has no identity: those that are addressed to no key; the others wait for a decision.
        case unidentified
        /// All of them. One that is addressed to another key is still not approved.
        case any
    }

    /// Whose envelopes may be dealt with unattended.
    public enum Senders: Sendable, Equatable {
        /// Those that are signed by the key that is pinned for their name.
        case pinned
        /// Of the pinned ones those with these names (all of them where `names` is empty), and those that are signed by
        /// one of `keys`, whose names are then not proven.
        case listed(names: Set<String>, keys: Set<PublicKey>)
        /// Those as well for whose name no key is pinned. A name that has a pin still needs its key.
        case anyone
    }

    /// The pins of signers.
    public var signers: PinnedSigners
    /// For whom envelopes have to be.
    public var receiver = Receiver.unidentified
    /// Who is dealt with unattended.
    public var senders = Senders.pinned
    /// Whether a signer for whose name no key is pinned is refused, instead of waiting for a decision.
    public var requiresPin = false
    /// One of these keys must have signed, besides whatever is pinned; empty to ask for none.
    public var requiredKeys: Set<PublicKey> = []

    /// A policy that accepts pinned signers only, on a machine without an identity.
    public init(signers: PinnedSigners) { self.signers = signers }

    /// What is to become of an envelope.
    ///
    /// - Parameters:
    ///   - verdict: What the envelope says about itself.
    ///   - standing: What the ledger knows of its transfer; nil where no ledger is kept.
    ///   - moment: The time by the receiver's clock.
    public func decide(
        _ verdict: EnvelopeVerdict, standing: TransferLedger.Standing? = nil, at moment: Timestamp = .now()
    ) -> TrustDecision {
        guard let manifest = verdict.manifest else {
            return TrustDecision(objections: verdict.faults.map { .invalid($0) }, state: verdict.integrity, signer: nil)
        }
        let signer = signers.standing(of: manifest.senderKey, claiming: manifest.senderName)
        var objections: [TrustObjection] = verdict.faults.map { .invalid($0) }
        objections += self.objections(to: signer) + self.objections(toReceiverOf: manifest)
        if let fault = standing?.fault { objections.append(.cameBefore(fault)) }
        if let comparison = verdict.comparison, verdict.assurance == nil { objections.append(.surface(comparison)) }
        if manifest.createdAt.seconds > moment.seconds + Self.aheadAllowed {
            objections.append(.datedAhead(manifest.createdAt))
        }
        let isApproved = objections.isEmpty && signer.isPinned && isForReceiver(manifest)
        return TrustDecision(
            objections: objections, state: isApproved ? .continuationApproved : verdict.integrity, signer: signer)
    }

    /// What is to become of something that is not an envelope and claims to come from `name`: a message that a hub
    /// brought, or an acknowledgement.
    ///
    /// - Parameter key: The key with which the sender was proven; nil where nothing was proven.
    public func decide(name: String, provenBy key: PublicKey?) -> TrustDecision {
        guard let key else {
            // Even where anyone may send, a name that has a pin is not taken without its key.
            let isAccepted = senders == .anyone && signers[name] == nil && !requiresPin
            return TrustDecision(objections: isAccepted ? [] : [.unproven(name)], state: .referenced, signer: nil)
        }
        let signer = signers.standing(of: key, claiming: name)
        return TrustDecision(objections: objections(to: signer), state: .referenced, signer: signer)
    }

    /// How many seconds an envelope may be dated ahead of this machine's clock: a day.
    static let aheadAllowed: Int64 = 86400

    private func objections(to signer: SignerStanding) -> [TrustObjection] {
        var objections: [TrustObjection] = []
        if !requiredKeys.isEmpty, !requiredKeys.contains(signer.key) { objections.append(.otherKey(signer)) }
        switch signer.pin {
        case .matches:
            if case .listed(let names, let keys) = senders, !names.isEmpty, !names.contains(signer.name),
                !keys.contains(signer.key)
            {
                objections.append(.notListed(signer))
            }
        case .former: objections.append(requiresPin ? .pinMismatch(signer) : .formerKey(signer))
        case .differs: objections.append(.pinMismatch(signer))
        case .unknown:
            if requiresPin {
                objections.append(.notPinned(signer))
            } else if !accepts(unpinned: signer.key) {
                objections.append(.unknownSigner(signer))
            }
        }
        return objections
    }

    private func accepts(unpinned key: PublicKey) -> Bool {
        if requiredKeys.contains(key) { return true }
        return switch senders {
        case .pinned: false
        case .listed(_, let keys): keys.contains(key)
        case .anyone: true
        }
    }

    private func objections(toReceiverOf manifest: Manifest) -> [TrustObjection] {
        guard !isForReceiver(manifest) else { return [] }
        return switch receiver {
        case .identity: [.wrongReceiver(addressee: manifest.receiverKey)]
        case .unidentified: [.receiverUnknown(addressee: manifest.receiverKey)]
        case .any: []
        }
    }

    /// Whether it is addressed to this machine's identity, or to no key.
    private func isForReceiver(_ manifest: Manifest) -> Bool {
        if manifest.isUnaddressed { return true }
        guard case .identity(let key) = receiver else { return false }
        return PublicKey(anySpelling: manifest.receiverKey) == key
    }
}
