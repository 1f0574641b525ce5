public import SystemPackage

/// What an envelope file says about itself: container, signatures, and name against manifest. Whom to believe is the
/// question of `TrustPolicy`.
public struct EnvelopeVerdict: Sendable {
    /// The length of the file in bytes; 0 when it could not be opened as an envelope.
    public let size: Int64
    /// Everything that is wrong with the container; empty when it is valid.
    public let faults: [EnvelopeFault]
    /// The manifest, if the key that it names signed it.
    public let manifest: Manifest?
    /// How the name compares with the manifest; nil unless the container is valid.
    public let comparison: SurfaceComparison?

    /// Whether structure, digests and signatures hold. Says nothing about whose key signed.
    public var isValid: Bool { faults.isEmpty }

    /// How far the envelope was verified without asking whose key signed it: `manifest-verified` at most.
    public var integrity: VerificationState {
        guard isValid else {
            // A block whose digest is the signed one and whose signature is not is still the content that was named.
            return manifest != nil && faults.allSatisfy { $0.code == .blockSignature } ? .digestMatched : .present
        }
        return assurance == nil ? .containerVerified : .manifestVerified
    }

    /// How much the manifest's agreement with the name is worth; nil unless the status is MATCH or NONE.
    public var assurance: Assurance? {
        switch comparison?.status {
        case .match: .full
        case .none?: .reduced
        case .partial, .mismatch, nil: nil
        }
    }

    /// Whether it is valid, and its name contradicts its manifest.
    public var needsTriage: Bool { isValid && comparison?.status == .mismatch }

    init(size: Int64, faults: [EnvelopeFault], manifest: Manifest?, comparison: SurfaceComparison?) {
        self.size = size
        self.faults = faults
        self.manifest = manifest
        self.comparison = comparison
    }

    /// The verdict on an envelope whose blocks are verified while they are unpacked: it holds once that has succeeded,
    /// and only the manifest's signature has been checked until then.
    ///
    /// - Parameter name: The name that it came under.
    public init(unpacking envelope: EnvelopeFile, arrivedAs name: String) {
        self.init(
            size: envelope.size, faults: [], manifest: envelope.manifest,
            comparison: SurfaceComparison(
                name: SurfaceName(parsing: name).surface, manifest: envelope.manifest.surface))
    }
}

/// Verifies envelope files (`cep.md`, section 2). Pins and receivers are no part of this: see `TrustPolicy`.
public struct EnvelopeVerifier: Sendable {
    /// How much of what an envelope claims is believed.
    public var limits = EnvelopeLimits()

    /// A verifier with the default limits.
    public init() {}

    /// Verifies the file at `path`. Blocks.
    ///
    /// - Parameters:
    ///   - name: The name that it came under; nil for that of the file.
    ///   - progress: Told the number of bytes verified so far, from any thread.
    /// - Returns: The verdict, and the open envelope if its manifest was signed by the key that it names.
    /// - Throws: `system` when the file cannot be read at all. A bad envelope is a verdict, not an error.
    public func verify(
        _ path: FilePath, arrivedAs name: String? = nil, progress: ProgressSink = .none
    ) throws(EnvelopeError) -> (verdict: EnvelopeVerdict, envelope: EnvelopeFile?) {
        let envelope: EnvelopeFile
        do {
            envelope = try EnvelopeFile(path: path, limits: limits)
        } catch .fault(let fault) {
            return (EnvelopeVerdict(size: 0, faults: [fault], manifest: nil, comparison: nil), nil)
        }
        let findings = try envelope.verifyBlocks(progress: progress)
        let arrivedAs = name ?? path.lastComponent?.string ?? ""
        let comparison = SurfaceComparison(
            name: SurfaceName(parsing: arrivedAs).surface, manifest: envelope.manifest.surface)
        let verdict = EnvelopeVerdict(
            size: envelope.size, faults: findings.faults, manifest: envelope.manifest,
            comparison: findings.faults.isEmpty ? comparison : nil)
        return (verdict, envelope)
    }
}
