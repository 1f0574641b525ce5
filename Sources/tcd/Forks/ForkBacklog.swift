internal import Fabric
internal import FoundationEssentials
internal import SystemPackage
internal import Triage

/// Forks that were kept because their senders were not known, and are known now: a key was pinned since, or the listener
/// was started with other senders.
struct ForkBacklog: Sendable {
    let folder: ForkFolder
    let trust: ForkTrust

    /// Offers each of them once.
    func run(_ offer: (OfferedFork) async -> ForkDesk.Outcome) async throws {
        let (directory, trust) = (folder.directory, trust)
        let names = try await Blocking.run { try Self.evidence(in: directory) }
        for name in names {
            if Task.isCancelled { return }
            let path = directory.appending(name)
            guard let found = try await Blocking.run({ try Self.offer(evidenceAt: path, trust) }) else { continue }
            _ = await offer(found)
        }
    }

    private static let ending = ".evidence.json"

    private static func evidence(in directory: FilePath) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.string)
            .filter { $0.contains(ending) && !$0.hasPrefix(".") }.sorted()
    }

    /// What the evidence at `path` is about, where that was kept back and is not any more. Blocks.
    private static func offer(evidenceAt path: FilePath, _ trust: ForkTrust) throws -> OfferedFork? {
        guard let bytes = try ReplaceableFile.read(path, atMost: ForkToken.largestFile),
            let evidence = ForkEvidence(parsing: bytes), evidence.isKeptBack, let origin = evidence.origin
        else { return nil }
        switch origin {
        case .message(_, let sender, let key, _, _):
            guard let (token, _) = try? ForkToken.read(ForkFolder.token(ofEvidence: path)),
                token.hash == evidence.forkHash
            else { return nil }
            let standing = try trust.standing(ofMessageFrom: sender, provenBy: key)
            guard standing.judge(token).trust.outcome == ForkEvidence.Trust.proceeds else { return nil }
            return OfferedFork(form: .kept(token, announced: evidence.announcedHash, origin)) { _ in }
        case .envelope(let file, let name, _, _, _, _, let mailbox):
            // What the container says is verified when it is taken.
            guard let envelope = try? EnvelopeFile(path: FilePath(file)) else { return nil }
            let verdict = EnvelopeVerdict(unpacking: envelope, arrivedAs: name)
            guard try trust.standing(of: envelope.manifest, verdict).decision.outcome == .proceed else { return nil }
            return OfferedFork(
                form: .envelope(FilePath(file), requestedName: name),
                mailbox: mailbox.map { OfferedFork.Mailbox(hub: $0.hub, agent: $0.agent) }
            ) { _ in }
        }
    }
}
