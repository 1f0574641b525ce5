internal import Fabric
internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import Triage

/// What is done with each fork that is offered, one after the other: find out who sent it, look at it, store it, write down
/// what was found, execute it, answer, and only then settle.
struct ForkDesk: Sendable {
    /// What was asked for on the command line.
    struct Orders: Sendable {
        /// Who listens.
        var agent: String?
        /// Whether what was found decides.
        var isStrict: Bool
        /// What executes forks; nil to store them and no more.
        var runner: ForkRunner?
    }

    let folder: ForkFolder
    let ledger: TransferLedger
    let reader: ForkReader
    let machine: Machine
    let orders: Orders
    let answers: ForkAnswers
    let reports: ForkReports
    /// Set when the process is to end now.
    let isStopping: StopFlag

    /// What became of one offer.
    enum Outcome: Sendable, Equatable {
        /// It is done with, and counts.
        case taken
        /// It was no fork, it was kept because of its sender, or another listener has it.
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
        let content: ForkContent
        switch try await Blocking.run({ [reader] in try reader.read(offer) }) {
        case .nothing:
            try await offer.settle(.commit)
            return .passedOver
        case .unopened(let envelope):
            try await keepBack(envelope, offer)
            return .passedOver
        case .fork(let found): content = found
        }
        let (trust, provenance) = content.standing.judge(content.token)
        let (examination, stored) = try await Blocking.run { [folder, orders, machine] in
            // Takes time in what the token asks for.
            let examination = ForkExamination(
                content.token, announced: content.announced, agent: orders.agent, machine: machine,
                provenance: provenance)
            return (examination, try folder.store(content.token, bytes: content.bytes))
        }
        guard let stored else {
            // Another listener that shares the directory is at the very same token.
            try await offer.settle(.release(after: .seconds(30)))
            return .postponed
        }
        var work = ForkWork(content: content, stored: stored, examination: examination, trust: trust)
        guard trust.outcome == ForkEvidence.Trust.proceeds else {
            try await keepBack(&work, offer)
            return .passedOver
        }
        try await settle(&work, offer)
        return work.outcome
    }

    // MARK: - Senders that are not known

    /// Writes down that a fork's sender is not believed. It is not executed and not answered. It is settled, so that it
    /// is not offered again and again: the directory holds it from now on.
    private func keepBack(_ work: inout ForkWork, _ offer: OfferedFork) async throws {
        work.decision = Self.decision(on: work.trust)
        let fresh = evidence(of: work)
        try await Blocking.run { [stored = work.stored] in
            // The same token came before and was executed: what was done then stays written down.
            if let old = try stored.evidence(), old.forkHash == fresh.forkHash, !old.isKeptBack { return }
            try stored.keep(fresh)
        }
        try await offer.settle(Self.settlement(of: work.trust))
        reports.tell(report(of: work))
    }

    /// The same for an envelope that is not opened.
    private func keepBack(_ envelope: UnopenedFork, _ offer: OfferedFork) async throws {
        let trust = envelope.standing.trust
        let evidence = ForkEvidence(
            unopened: envelope.origin, trust: trust, checks: [envelope.standing.signature], agent: orders.agent,
            machine: machine, isStrict: orders.isStrict, decision: Self.decision(on: trust))
        let path = folder.evidence(ofUnopened: envelope.digest)
        try await Blocking.run { try ReplaceableFile.replace(path, with: Array(evidence.fileText.utf8)) }
        try await offer.settle(Self.settlement(of: trust))
        reports.tell(envelope, trust, evidence: path)
    }

    private static func decision(on trust: ForkEvidence.Trust) -> ForkEvidence.Decision {
        trust.outcome == TrustDecision.Outcome.refused.rawValue ? .refused : .triage
    }

    private static func settlement(of trust: ForkEvidence.Trust) -> Settlement {
        decision(on: trust) == .refused ? .refuse(trust.detail ?? "it is refused") : .commit
    }

    // MARK: - Senders that are known

    /// Goes through with it, to the settlement.
    private func settle(_ work: inout ForkWork, _ offer: OfferedFork) async throws {
        work.decision = decision(on: work.examination)
        var evidence = try await beginning(of: work)
        if work.decision == .released {
            reports.tell(report(of: work))
            // Another listener may be able to do what this machine cannot.
            work.outcome = .postponed
            return try await offer.settle(.release(after: .seconds(60)))
        }
        guard try await execute(&work, &evidence) else {
            work.outcome = .postponed
            return try await offer.settle(.release(after: .zero))
        }
        if let answer = answer(to: work, evidence) {
            work.answer = try await answers.send(answer, on: work.content, &evidence)
            try await keep(evidence, work.stored)
        }
        let isRefused = work.decision == .refused
        try await offer.settle(isRefused ? .refuse(work.examination.objections) : .commit)
        if case .receipt(let envelope, let manifest, _) = work.content.returnPath, let digest = envelope.digest {
            try await Blocking.run { [ledger, folder] in
                _ = try ledger.remember(manifest, digest: digest)
                unlink(folder.evidence(ofUnopened: digest).string)
            }
        }
        reports.tell(report(of: work))
    }

    /// Runs the command, unless it ran before; what it does is on stable storage before and after. Where the listener died
    /// while the command ran, that is written down, and the command is not run again.
    ///
    /// - Returns: Whether there is an answer to give; not where the command was stopped because this process is to end.
    private func execute(_ work: inout ForkWork, _ evidence: inout ForkEvidence) async throws -> Bool {
        guard work.decision == .taken, evidence.run == nil else { return true }
        if evidence.runOutcome == .started {
            work.run = evidence.noteUnknownOutcome()
            try await keep(evidence, work.stored)
            return true
        }
        guard let runner = orders.runner else { return true }
        evidence.noteStart(of: runner.command)
        try await keep(evidence, work.stored)
        let (stored, content, flag) = (work.stored, work.content, isStopping)
        let run = await BlockingCall.run { _ in
            runner.run(stored, token: content.token, files: content.files) { flag.isSet }
        }
        if isStopping.isSet, run.problem == ForkRunner.stopped {
            evidence.forgetRun()
            try await keep(evidence, work.stored)
            return false
        }
        evidence.note(run)
        work.run = run
        try await keep(evidence, work.stored)
        return true
    }

    /// What is found decides only where that was asked for.
    private func decision(on examination: ForkExamination) -> ForkEvidence.Decision {
        guard orders.isStrict, examination.hasFailures else { return .taken }
        let isOurs = examination.showsTampering || examination.outcome(of: .expired) == .fail
        return isOurs ? .refused : .released
    }

    /// What was written down when the same token was executed before, or what is written down now.
    private func beginning(of work: ForkWork) async throws -> ForkEvidence {
        let (fresh, stored) = (evidence(of: work), work.stored)
        return try await Blocking.run {
            if let old = try stored.evidence(), old.forkHash == fresh.forkHash, old.runOutcome != nil { return old }
            try stored.keep(fresh)
            return fresh
        }
    }

    private func evidence(of work: ForkWork) -> ForkEvidence {
        ForkEvidence(
            work.examination, announced: work.content.announced, origin: work.content.origin, trust: work.trust,
            agent: orders.agent, machine: machine, isStrict: orders.isStrict, decision: work.decision)
    }

    private func keep(_ evidence: ForkEvidence, _ stored: StoredFork) async throws {
        try await Blocking.run { try stored.keep(evidence) }
    }

    /// What is to be told; nil where there is nothing to tell. A message's sender waits for what becomes of the fork, an
    /// envelope's for a receipt.
    private func answer(to work: ForkWork, _ evidence: ForkEvidence) -> ForkAnswer? {
        let status: ForkAnswer.Status
        var hash = ""
        if work.decision == .refused {
            status = .failed
        } else if let run = evidence.run {
            hash = run.resumeHash
            status = evidence.runOutcome == .unknown ? .unknown : run.succeeded ? .resumed : .failed
        } else {
            guard case .receipt = work.content.returnPath else { return nil }
            status = .received
        }
        return ForkAnswer(to: work.content.token, status, resumeHash: hash, by: orders.agent ?? "")
    }

    private func report(of work: ForkWork) -> ForkReports.Item {
        ForkReports.Item(
            examination: work.examination, path: work.stored.path, evidence: work.stored.evidencePath,
            files: work.content.files, decision: work.decision, trust: work.trust,
            signer: work.content.standing.decision.signer, run: work.run, answered: work.answer)
    }
}

/// One fork that is being dealt with.
struct ForkWork: Sendable {
    let content: ForkContent
    let stored: StoredFork
    let examination: ForkExamination
    let trust: ForkEvidence.Trust
    var decision = ForkEvidence.Decision.taken
    var answer: String?
    var run: ForkEvidence.Run?
    var outcome = ForkDesk.Outcome.taken
}

/// Set once, from any thread.
final class StopFlag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .relaxed) }

    func set() { value.store(true, ordering: .relaxed) }
}
