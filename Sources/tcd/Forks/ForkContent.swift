internal import Fabric
internal import SystemPackage
internal import Triage

/// What an offer turned out to hold.
struct ForkContent: Sendable {
    let token: ForkToken
    /// The token's file.
    let bytes: [UInt8]
    /// The hash that the message announced.
    let announced: String?
    let origin: ForkEvidence.Origin
    let standing: ForkStanding
    /// The files that came with it.
    let files: FilePath?
    let returnPath: ReturnPath

    /// How the answer goes.
    enum ReturnPath: Sendable {
        /// As a message to a mailbox of the hub that brought the fork.
        case message(sender: String, isProven: Bool, hub: String)
        /// As a sealed receipt for the envelope.
        case receipt(ReferencedEnvelope, Manifest, mailbox: DeliveryTarget?)
    }
}

/// An envelope that was kept and not opened, because its sender is not known or it is not for this listener.
struct UnopenedFork: Sendable {
    let name: String
    let path: FilePath
    let digest: Digest
    let manifest: Manifest
    let origin: ForkEvidence.Origin
    let standing: ForkStanding
}

/// Reads what is offered, as far as its sender may be believed. All calls block.
struct ForkReader: Sendable {
    let folder: ForkFolder
    let ledger: TransferLedger
    let trust: ForkTrust
    /// The most bytes that one envelope may unpack to.
    let largestUnpacked: UInt64
    /// Told why an envelope is passed over.
    let note: @Sendable (String) -> Void

    /// What reading an offer came to.
    enum Reading: Sendable {
        case fork(ForkContent)
        case unopened(UnopenedFork)
        /// An envelope that is no fork, or that came before.
        case nothing
    }

    /// Reads an offer.
    ///
    /// - Throws: `TrustError` when the pins cannot be read: then the offer is not decided on.
    func read(_ offer: OfferedFork) throws -> Reading {
        switch offer.form {
        case .message(let message, let key, let hub):
            let token = try message.token.get()
            return .fork(
                try content(
                    token, announced: message.announcedHash, createdAt: message.createdAt, id: message.id,
                    sender: message.sender, key: key, hub: hub))
        case .kept(let token, let announced, .message(let id, let sender, let key, let hub, let createdAt)):
            return .fork(
                try content(
                    token, announced: announced, createdAt: createdAt, id: id, sender: sender, key: key, hub: hub))
        case .kept: return .nothing
        case .envelope(let path, let name): return try read(envelope: path, called: name, from: offer.mailbox)
        }
    }

    private func content(
        _ token: ForkToken, announced: String?, createdAt: String, id: String, sender: String, key: PublicKey?,
        hub: String
    ) throws -> ForkContent {
        ForkContent(
            token: token, bytes: Array(token.fileText.utf8), announced: announced,
            origin: .message(id: id, sender: sender, key: key, hub: hub, createdAt: createdAt),
            standing: try trust.standing(ofMessageFrom: sender, provenBy: key), files: nil,
            returnPath: .message(sender: sender, isProven: key != nil, hub: hub))
    }

    private func read(
        envelope path: FilePath, called name: String, from mailbox: OfferedFork.Mailbox?
    ) throws -> Reading {
        let (verdict, envelope) = try EnvelopeVerifier().verify(path, arrivedAs: name)
        guard let envelope, verdict.isValid else { throw ForkEnvelopeError(name: name, faults: verdict.faults) }
        let manifest = envelope.manifest
        guard manifest.payloadType == ForkParcel.payloadType else { return .nothing }
        let digest = try envelope.digest()
        let known = try ledger.standing(of: manifest, digest: digest)
        switch known {
        case .fresh: break
        case .duplicate: return .nothing
        default:
            note("'\(name)' is passed over: \(known.fault?.detail ?? "it came before")")
            return .nothing
        }
        let origin = ForkEvidence.Origin.envelope(
            path: path.string, name: name, digest: digest, transferID: manifest.transferID, signer: manifest.senderKey,
            signerName: manifest.senderName, mailbox: mailbox.map { (hub: $0.hub, agent: $0.agent) })
        let standing = try trust.standing(of: manifest, verdict, known: known)
        guard standing.decision.outcome == .proceed else {
            return .unopened(
                UnopenedFork(
                    name: name, path: path, digest: digest, manifest: manifest, origin: origin, standing: standing))
        }
        let opened = try ForkParcel.open(envelope, digest: digest, into: folder.directory, limit: largestUnpacked)
        return .fork(
            ForkContent(
                token: opened.token, bytes: opened.bytes, announced: nil, origin: origin, standing: standing,
                files: opened.files,
                returnPath: .receipt(
                    ReferencedEnvelope(name: name, manifest: manifest, digest: digest), manifest,
                    mailbox: mailbox?.target)))
    }
}

/// An envelope in which nothing can be believed, so that it was not opened.
struct ForkEnvelopeError: ExplainedError {
    let name: String
    let faults: [EnvelopeFault]

    var category: FailureCategory { .badData }
    var explanation: String {
        "'\(VerdictReport.shown(name))' is not valid and was not opened: \(faults.first.map { "\($0)" } ?? "unknown")"
    }
    var remedy: String? { "have it sent again" }
}
