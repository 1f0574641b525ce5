/// An envelope of which `Layer` holds, and so every layer below it (`cep.md`, section 2).
///
/// A caller climbs as far as the evidence goes. Each step exists only on the layer below it, so none can be skipped,
/// and no step can be faked: the initialiser is not public. The result and the failure both tell the state:
///
/// ```swift
/// do {
///     let approved = try Verified.referenced()
///         .present(HeldBytes(size: size, digest: digest))
///         .digestMatched(blocks)
///         .containerVerified(checks)
///         .manifestVerified(SurfaceComparison(name: name.surface, manifest: manifest))
///         .continuationApproved(grant)
///     record(approved.state)
/// } catch {
///     record(error.state, error.reason)
/// }
/// ```
@dynamicMemberLookup
public struct Verified<Layer: VerificationLayer>: Sendable {
    /// What this layer and those below it have established.
    public let layer: Layer

    init(_ layer: Layer) { self.layer = layer }

    /// The state to report.
    public var state: VerificationState { Layer.state }

    /// What the layer has established.
    public subscript<Value>(dynamicMember member: KeyPath<Layer, Value>) -> Value { layer[keyPath: member] }
}

extension Verified where Layer == Referenced {
    /// An envelope that somebody pointed to, or that simply came.
    public static func referenced(_ announcement: Announcement = Announcement()) -> Verified {
        Verified(Referenced(announcement: announcement))
    }

    /// The envelope is here.
    ///
    /// - Throws: `otherFile` when another digest of the file was announced.
    public func present(_ bytes: HeldBytes) throws(VerificationFailure) -> Verified<Present> {
        if let announced = layer.announcement.fileDigest, announced != bytes.digest {
            throw VerificationFailure(state, .otherFile(announced: announced, found: bytes.digest))
        }
        return Verified<Present>(Present(referenced: layer, bytes: bytes))
    }
}

extension Verified where Layer == Present {
    /// Every block is the one that the manifest names, and the content is the one that was announced and sealed.
    ///
    /// - Throws: `blockCount`, `otherBlock` or `otherContent`.
    public func digestMatched(_ blocks: BlockDigests) throws(VerificationFailure) -> Verified<DigestMatched> {
        guard blocks.named.count == blocks.found.count else {
            throw VerificationFailure(state, .blockCount(named: blocks.named.count, found: blocks.found.count))
        }
        for (index, (named, found)) in zip(blocks.named, blocks.found).enumerated() where named != found {
            throw VerificationFailure(state, .otherBlock(index))
        }
        let content = blocks.contentDigest
        for expected in [layer.referenced.announcement.contentDigest, blocks.sealedContentDigest] {
            guard let expected, expected != content else { continue }
            throw VerificationFailure(state, .otherContent(expected: expected, found: content))
        }
        return Verified<DigestMatched>(DigestMatched(present: layer, contentDigest: content))
    }
}

extension Verified where Layer == DigestMatched {
    /// The container is whole, and signed by the key that its manifest names.
    ///
    /// - Throws: `brokenStructure`, `manifestSignature` or `blockSignature`.
    public func containerVerified(
        _ checks: ContainerChecks
    ) throws(VerificationFailure) -> Verified<ContainerVerified> {
        guard checks.structureIsWhole else { throw VerificationFailure(state, .brokenStructure) }
        guard checks.manifestSignatureHolds else { throw VerificationFailure(state, .manifestSignature) }
        guard checks.blockSignaturesHold else { throw VerificationFailure(state, .blockSignature) }
        return Verified<ContainerVerified>(ContainerVerified(digestMatched: layer, sender: checks.sender))
    }
}

extension Verified where Layer == ContainerVerified {
    /// Name and manifest agree, or neither has a surface, which leaves the assurance reduced.
    ///
    /// - Throws: `surface` for PARTIAL and MISMATCH.
    public func manifestVerified(
        _ comparison: SurfaceComparison
    ) throws(VerificationFailure) -> Verified<ManifestVerified> {
        let assurance: Assurance
        switch comparison.status {
        case .match: assurance = .full
        case .none: assurance = .reduced
        case .partial, .mismatch: throw VerificationFailure(state, .surface(comparison))
        }
        return Verified<ManifestVerified>(ManifestVerified(container: layer, assurance: assurance))
    }
}

extension Verified where Layer == ManifestVerified {
    /// Policy allows going on, and the key that signed is pinned.
    ///
    /// - Throws: `policy` or `unknownSender`.
    public func continuationApproved(
        _ grant: ContinuationGrant
    ) throws(VerificationFailure) -> Verified<ContinuationApproved> {
        guard grant.verdict == .allow else { throw VerificationFailure(state, .policy(grant.verdict)) }
        guard grant.pinnedKeys.contains(layer.container.sender) else {
            throw VerificationFailure(state, .unknownSender(layer.container.sender))
        }
        return Verified<ContinuationApproved>(ContinuationApproved(manifest: layer))
    }
}
