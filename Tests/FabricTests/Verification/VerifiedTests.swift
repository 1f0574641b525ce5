import Testing

@testable import Fabric

@Suite("Climbing the layers of verification")
struct VerifiedTests {
    let key: PublicKey
    let file = HeldBytes(size: 3, digest: Digest(of: [1, 2, 3]))
    let block = Digest(of: [1])
    let other = Digest(of: [2])

    init() throws { key = try SigningKey(seed: Array(0..<32)).publicKey }

    private func climb(
        announced: Announcement = Announcement(), blocks: BlockDigests? = nil, structure: Bool = true,
        manifestSignature: Bool = true, blockSignatures: Bool = true, name: Surface? = nil,
        manifest: ManifestSurface = ManifestSurface(), verdict: PolicyVerdict = .allow, pinned: Bool = true
    ) throws(VerificationFailure) -> Verified<ContinuationApproved> {
        let checks = ContainerChecks(
            sender: key, structureIsWhole: structure, manifestSignatureHolds: manifestSignature,
            blockSignaturesHold: blockSignatures)
        return try Verified.referenced(announced)
            .present(file)
            .digestMatched(blocks ?? BlockDigests(named: [block], found: [block]))
            .containerVerified(checks)
            .manifestVerified(SurfaceComparison(name: name, manifest: manifest))
            .continuationApproved(ContinuationGrant(verdict: verdict, pinnedKeys: pinned ? [key] : []))
    }

    @Test func theTopIsReachedWithEveryEvidence() throws {
        let approved = try climb()
        #expect(approved.state == .continuationApproved)
        #expect(approved.manifest.assurance == .reduced)
        #expect(approved.manifest.container.sender == key)
        #expect(approved.manifest.container.digestMatched.contentDigest == block)
        #expect(approved.manifest.container.digestMatched.present.bytes == file)
        let surface = SurfaceComparisonTests.demo
        #expect(try climb(name: surface, manifest: ManifestSurface(surface)).manifest.assurance == .full)
    }

    @Test func everyLayerStopsOnWhatDoesNotHold() {
        func fails(
            _ state: VerificationState, _ reason: VerificationFailure.Reason,
            _ body: () throws -> Verified<ContinuationApproved>
        ) {
            let failure = #expect(throws: VerificationFailure.self) { try body() }
            #expect(failure?.state == state)
            #expect(failure?.reason == reason)
            #expect(failure?.description.hasPrefix("the envelope is \(state) and no more: ") == true)
        }
        fails(.referenced, .otherFile(announced: other, found: file.digest)) {
            try climb(announced: Announcement(fileDigest: other))
        }
        fails(.present, .blockCount(named: 2, found: 1)) {
            try climb(blocks: BlockDigests(named: [block, block], found: [block]))
        }
        fails(.present, .otherBlock(1)) {
            try climb(blocks: BlockDigests(named: [block, block], found: [block, other]))
        }
        fails(.present, .otherContent(expected: other, found: block)) {
            try climb(announced: Announcement(contentDigest: other))
        }
        fails(.present, .otherContent(expected: other, found: block)) {
            try climb(blocks: BlockDigests(named: [block], found: [block], sealedContentDigest: other))
        }
        fails(.digestMatched, .brokenStructure) { try climb(structure: false) }
        fails(.digestMatched, .manifestSignature) { try climb(manifestSignature: false) }
        fails(.digestMatched, .blockSignature) { try climb(blockSignatures: false) }
        let partial = SurfaceComparison(name: SurfaceComparisonTests.demo, manifest: ManifestSurface())
        fails(.containerVerified, .surface(partial)) { try climb(name: SurfaceComparisonTests.demo) }
        fails(.manifestVerified, .policy(.triage)) { try climb(verdict: .triage) }
        fails(.manifestVerified, .unknownSender(key)) { try climb(pinned: false) }
    }

    @Test func theContentDigestOfSeveralBlocksCoversThemInOrder() {
        let one = BlockDigests(named: [], found: [block])
        let two = BlockDigests(named: [], found: [block, other])
        #expect(one.contentDigest == block)
        #expect(two.contentDigest == Digest(of: block.bytes + other.bytes))
    }

    @Test func statesAreOrderedAndNamedAsInCEP() {
        let names = [
            "referenced", "present", "digest-matched", "container-verified", "manifest-verified",
            "continuation-approved",
        ]
        #expect(VerificationState.allCases.map(\.name) == names)
        #expect(VerificationState.allCases.sorted() == VerificationState.allCases)
        #expect(names.map(VerificationState.init(name:)) == VerificationState.allCases)
        #expect(VerificationState(name: "verified") == nil)
    }
}
