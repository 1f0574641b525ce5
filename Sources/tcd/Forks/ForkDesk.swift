internal import CarrierIPoll
internal import Fabric
internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import Triage

/// What is done with each fork that is offered, one after the other: look at it, store it, write down what was found, go
/// on with it, tell whoever handed it over, and only then settle.
struct ForkDesk: Sendable {
    /// What was asked for on the command line.
    struct Orders: Sendable {
        /// Who listens.
        var agent: String?
        /// Whether what was found decides.
        var isStrict: Bool
        /// What goes on with forks; nil to store them and no more.
        var runner: ForkRunner?
        /// The most bytes that one envelope may unpack to.
        var largestUnpacked: UInt64
        /// Where every sealed receipt goes; nil for wherever the fork came from.
        var receiptTarget: DeliveryTarget?
    }

    let folder: ForkFolder
    let ledger: TransferLedger
    let machine: Machine
    let orders: Orders
    let post: ForkPost
    let receipts: ForkReceipts
    let reports: ForkReports
    /// Set when the process is to end now.
    let isStopping: StopFlag

    /// What an offer turned out to hold.
    private struct Content: Sendable {
        var token: ForkToken
        var bytes: [UInt8]
        var announced: String?
        var origin: ForkEvidence.Origin
        var signature: ForkCheck?
        var files: FilePath?
        /// What the answer goes by.
        var way: Way
    }

    /// How whoever handed it over is told.
    private enum Way: Sendable {
        case message(sender: String, hub: String)
        case receipt(ReferencedEnvelope, Manifest, DeliveryTarget?)
    }

    /// What became of one offer.
    enum Outcome: Sendable, Equatable {
        /// It is done with, and counts.
        case taken
        /// It was no fork, or another one's business.
        case passedOver
        /// It could not be dealt with now, and comes again.
        case postponed
    }

    /// Takes one offer. Nothing that is wrong with it ends the reception of others.
    func take(_ offer: OfferedFork) async -> Outcome {
        do {
            return try await offer.held { try await process(offer) }
        } catch {
            reports.problem(error)
            let isHopeless = (error as? any ExplainedError)?.category == .badData
            try? await offer.settle(isHopeless ? .refuse("\(error)") : .release(after: .seconds(30)))
            return isHopeless ? .passedOver : .postponed
        }
    }

    private func process(_ offer: OfferedFork) async throws -> Outcome {
        guard let content = try await Blocking.run({ try content(of: offer) }) else {
            try await offer.settle(.commit)
            return .passedOver
        }
        guard let stored = try await Blocking.run({ try folder.store(content.token, bytes: content.bytes) }) else {
            // Another listener that shares the directory is at the very same token.
            try await offer.settle(.release(after: .seconds(30)))
            return .postponed
        }
        var work = Work(content: content, stored: stored, examination: examine(content))
        try await settle(&work, offer)
        return work.outcome
    }

    /// One fork that is being dealt with.
    private struct Work: Sendable {
        let content: Content
        let stored: StoredFork
        let examination: ForkExamination
        var decision = ForkEvidence.Decision.taken
        var answer: String?
        var run: ForkEvidence.Run?
        var outcome = Outcome.taken
    }

    private func examine(_ content: Content) -> ForkExamination {
        ForkExamination(
            content.token, announced: content.announced, agent: orders.agent, machine: machine,
            signature: content.signature)
    }

    /// Goes through with it, to the settlement.
    private func settle(_ work: inout Work, _ offer: OfferedFork) async throws {
        work.decision = decision(on: work.examination)
        var evidence = try await evidence(of: work)
        if work.decision == .released {
            reports.tell(report(of: work))
            // Somebody with what this machine lacks may be listening as well.
            work.outcome = .postponed
            return try await offer.settle(.release(after: .seconds(60)))
        }
        if work.decision == .taken, evidence.run == nil, let runner = orders.runner {
            let run = await goOn(work, with: runner)
            if isStopping.isSet {
                work.outcome = .postponed
                return try await offer.settle(.release(after: .zero))
            }
            evidence.note(run)
            work.run = run
            try await keep(evidence, work.stored)
        }
        if let answer = answer(to: work, evidence) {
            work.answer = try await tell(answer, work, &evidence)
            try await keep(evidence, work.stored)
        }
        let isRefused = work.decision == .refused
        try await offer.settle(isRefused ? .refuse(work.examination.objections) : .commit)
        if case .receipt(let envelope, let manifest, _) = work.content.way, let digest = envelope.digest {
            _ = try await Blocking.run { [ledger] in try ledger.remember(manifest, digest: digest) }
        }
        reports.tell(report(of: work))
    }

    /// What is found decides only where that was asked for.
    private func decision(on examination: ForkExamination) -> ForkEvidence.Decision {
        guard orders.isStrict, examination.hasFailures else { return .taken }
        let isOurs = examination.showsTampering || examination.outcome(of: .expired) == .fail
        return isOurs ? .refused : .released
    }

    /// What was written down when the same token came before, or what is written down now.
    private func evidence(of work: Work) async throws -> ForkEvidence {
        let fresh = ForkEvidence(
            work.examination, announced: work.content.announced, origin: work.content.origin, agent: orders.agent,
            machine: machine, isStrict: orders.isStrict, decision: work.decision)
        let stored = work.stored
        return try await Blocking.run {
            if let old = try stored.evidence(), old.forkHash == fresh.forkHash, old.run != nil { return old }
            try stored.keep(fresh)
            return fresh
        }
    }

    private func keep(_ evidence: ForkEvidence, _ stored: StoredFork) async throws {
        try await Blocking.run { try stored.keep(evidence) }
    }

    private func goOn(_ work: Work, with runner: ForkRunner) async -> ForkEvidence.Run {
        let (stored, content, flag) = (work.stored, work.content, isStopping)
        return await BlockingCall.run { _ in
            runner.run(stored, token: content.token, files: content.files) { flag.isSet }
        }
    }

    // MARK: - What came

    /// Reads an offer; nil for an envelope that is no fork, or was dealt with. Blocks.
    private func content(of offer: OfferedFork) throws -> Content? {
        switch offer.form {
        case .message(let message, let hub):
            let token = try message.token.get()
            return Content(
                token: token, bytes: Array(token.fileText.utf8), announced: message.announcedHash,
                origin: .message(id: message.id, sender: message.sender, hub: hub, createdAt: message.createdAt),
                way: .message(sender: message.sender, hub: hub))
        case .envelope(let path, let name):
            return try content(ofEnvelope: path, called: name, returnTarget: offer.returnTarget)
        }
    }

    private func content(
        ofEnvelope path: FilePath, called name: String, returnTarget: DeliveryTarget?
    ) throws -> Content? {
        let (verdict, envelope) = try EnvelopeVerifier().verify(path, arrivedAs: name)
        guard let envelope, verdict.isValid else { throw ForkEnvelopeError(name: name, faults: verdict.faults) }
        guard envelope.manifest.payloadType == ForkParcel.payloadType else { return nil }
        let digest = try envelope.digest()
        switch try ledger.standing(of: envelope.manifest, digest: digest) {
        case .fresh: break
        case .duplicate: return nil
        case let standing:
            reports.note("'\(name)' is passed over: \(standing.fault?.detail ?? "it came before")")
            return nil
        }
        let opened = try ForkParcel.open(
            envelope, digest: digest, into: folder.directory, limit: orders.largestUnpacked)
        let manifest = envelope.manifest
        return Content(
            token: opened.token, bytes: opened.bytes, announced: nil,
            origin: .envelope(
                path: path.string, name: name, digest: digest, transferID: manifest.transferID,
                signer: manifest.senderKey, signerName: manifest.senderName),
            signature: ForkSignature.check(manifest, verdict, token: opened.token), files: opened.files,
            way: .receipt(
                ReferencedEnvelope(name: name, manifest: manifest, digest: digest), manifest,
                orders.receiptTarget ?? returnTarget ?? ForkReceipts.target(of: manifest)))
    }

    // MARK: - Answering

    /// What is to be told; nil where there is nothing to tell. A message's sender waits for what becomes of the fork, an
    /// envelope's for a receipt.
    private func answer(to work: Work, _ evidence: ForkEvidence) -> ForkAnswer? {
        let status: ForkAnswer.Status
        var hash = ""
        if work.decision == .refused {
            status = .failed
        } else if let run = evidence.run {
            (status, hash) = (run.succeeded ? .resumed : .failed, run.resumeHash)
        } else {
            guard case .receipt = work.content.way else { return nil }
            status = .received
        }
        return ForkAnswer(to: work.content.token, status, resumeHash: hash, by: orders.agent ?? "")
    }

    /// Tells whoever handed it over, and returns who that was; nil where nobody can be told.
    private func tell(
        _ answer: ForkAnswer, _ work: Work, _ evidence: inout ForkEvidence
    ) async throws -> String? {
        switch work.content.way {
        case .message(let sender, let hub):
            guard let receiver = ForkAnswer.receiver(for: work.content.token, sender: sender) else {
                reports.note("nobody is told: neither '\(work.content.token.actorFrom)' nor '\(sender)' is a mailbox")
                return nil
            }
            let id = try await post.send(answer, to: receiver, hub: hub)
            evidence.noteAnswer(answer.status, to: receiver, as: id)
            return receiver
        case .receipt(let envelope, let manifest, let target):
            guard let target else {
                reports.note("nobody is told: '\(manifest.senderName)' says not where to; give --ack-to")
                return nil
            }
            let id = try await receipts.send(note: answer.note, about: envelope, to: target, manifest: manifest)
            evidence.noteAnswer(answer.status, to: target.text, as: id)
            return target.text
        }
    }

    private func report(of work: Work) -> ForkReports.Item {
        ForkReports.Item(
            examination: work.examination, path: work.stored.path, evidence: work.stored.evidencePath,
            files: work.content.files, decision: work.decision, run: work.run, answered: work.answer)
    }
}

/// Set once, from any thread.
final class StopFlag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    func set() { value.store(true, ordering: .relaxed) }
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
