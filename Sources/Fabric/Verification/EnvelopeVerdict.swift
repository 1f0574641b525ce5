public import SystemPackage

/// What was found out about one envelope file, from its frame to whether it may go on.
public struct EnvelopeVerdict: Sendable {
    /// The length of the file in bytes; 0 when it could not be opened as an envelope.
    public let size: Int64
    /// Everything that is wrong with the container; empty when it is valid.
    public let faults: [EnvelopeFault]
    /// How far the envelope was verified.
    public let state: VerificationState
    /// How much the manifest's agreement with the name is worth; nil below `manifest-verified`.
    public let assurance: Assurance?
    /// Why it was not verified further; nil when it may go on.
    public let obstacle: VerificationFailure?
    /// The manifest, if the key that it names signed it.
    public let manifest: Manifest?
    /// How the name compares with the manifest; nil unless the container is valid.
    public let comparison: SurfaceComparison?

    /// Whether structure, digests and signatures hold. Says nothing about whose key signed.
    public var isValid: Bool { faults.isEmpty }

    /// Whether somebody should look at it before it is used: it is valid, and its name tells another story.
    public var needsTriage: Bool { isValid && comparison?.status == .mismatch }
}

/// Verifies envelope files layer by layer (`cep.md`, section 2).
public struct EnvelopeVerifier: Sendable {
    /// The keys of which one must have signed for an envelope to be approved; none approves none.
    public var pinnedKeys: Set<PublicKey> = []
    /// The key that is pinned for a sender's name: one that claims the name and signed with the key is approved too.
    public var pinnedSigners: [String: PublicKey] = [:]
    /// The key that envelopes must be addressed to, unless they are addressed to nobody; nil to take them as they come.
    public var receiverKey: PublicKey?
    /// How much of what an envelope claims is believed.
    public var limits = EnvelopeLimits()

    /// A verifier without pins.
    public init() {}

    /// Verifies the file at `path`. Blocks.
    ///
    /// - Parameters:
    ///   - name: The name that it came under; nil for that of the file.
    ///   - progress: Told the number of bytes verified so far, from any thread.
    /// - Returns: The verdict, and the open envelope if its manifest can be trusted to be the signer's.
    /// - Throws: `system` when the file cannot be read at all. A bad envelope is a verdict, not an error.
    public func verify(
        _ path: FilePath, arrivedAs name: String? = nil, progress: ProgressSink = .none
    ) throws(EnvelopeError) -> (verdict: EnvelopeVerdict, envelope: EnvelopeFile?) {
        let envelope: EnvelopeFile
        do {
            envelope = try EnvelopeFile(path: path, limits: limits)
        } catch .fault(let fault) {
            return (Self.unreadable(fault), nil)
        }
        let manifest = envelope.manifest
        if let receiverKey, !manifest.isUnaddressed, manifest.receiverKey != receiverKey.hex {
            return (Self.unreadable(EnvelopeFault(.wrongReceiver, "it is addressed to another key")), nil)
        }
        let findings = try envelope.verifyBlocks(progress: progress)
        let arrivedAs = name ?? path.lastComponent?.string ?? ""
        let comparison = SurfaceComparison(name: SurfaceName(parsing: arrivedAs).surface, manifest: manifest.surface)
        let climb = Climb(
            envelope: envelope, findings: findings, comparison: comparison, pinnedKeys: pins(for: manifest))
        let (state, assurance, obstacle) = climb.run()
        let verdict = EnvelopeVerdict(
            size: envelope.size, faults: findings.faults, state: state, assurance: assurance, obstacle: obstacle,
            manifest: manifest, comparison: findings.faults.isEmpty ? comparison : nil)
        return (verdict, envelope)
    }

    /// How far an envelope is verified whose blocks were all verified while they were unpacked.
    ///
    /// - Parameter name: The name that it came under.
    public func state(ofUnpacked envelope: EnvelopeFile, arrivedAs name: String) -> VerificationState {
        let comparison = SurfaceComparison(
            name: SurfaceName(parsing: name).surface, manifest: envelope.manifest.surface)
        let findings = BlockFindings(faults: [], digests: envelope.manifest.blocks.map(\.digest))
        return Climb(
            envelope: envelope, findings: findings, comparison: comparison, pinnedKeys: pins(for: envelope.manifest)
        ).run().state
    }

    /// The keys of which one must have signed this envelope for it to be approved.
    private func pins(for manifest: Manifest) -> Set<PublicKey> {
        guard let pinned = pinnedSigners[manifest.senderName] else { return pinnedKeys }
        // Another key that was asked for does not make up for the name's own.
        return pinnedKeys.isEmpty ? [pinned] : pinnedKeys.intersection([pinned])
    }

    /// The bytes are here, and that is all that is said of them.
    private static func unreadable(_ fault: EnvelopeFault) -> EnvelopeVerdict {
        EnvelopeVerdict(
            size: 0, faults: [fault], state: .present, assurance: nil, obstacle: nil, manifest: nil, comparison: nil)
    }
}

/// The way up the layers for one envelope, as far as the evidence goes.
private struct Climb {
    let envelope: EnvelopeFile
    let findings: BlockFindings
    let comparison: SurfaceComparison
    let pinnedKeys: Set<PublicKey>

    func run() -> (state: VerificationState, assurance: Assurance?, obstacle: VerificationFailure?) {
        var assurance: Assurance?
        do throws(VerificationFailure) {
            let verified = try Verified.referenced()
                .present(HeldBytes(size: envelope.size, digest: nil))
                .digestMatched(digests)
                .containerVerified(checks)
                .manifestVerified(comparison)
            assurance = verified.assurance
            let approved = try verified.continuationApproved(
                ContinuationGrant(verdict: .allow, pinnedKeys: pinnedKeys))
            return (approved.state, assurance, nil)
        } catch {
            return (error.state, assurance, error)
        }
    }

    private var digests: BlockDigests {
        BlockDigests(
            named: envelope.manifest.blocks.map(\.digest), found: findings.digests,
            sealedContentDigest: envelope.manifest.contentDigest)
    }

    private var checks: ContainerChecks {
        let codes = findings.faults.map(\.code)
        return ContainerChecks(
            sender: envelope.manifest.senderKey,
            structureIsWhole: !codes.contains { $0 != .blockSignature },
            manifestSignatureHolds: envelope.isSigned, blockSignaturesHold: !codes.contains(.blockSignature))
    }
}
