internal import Fabric
internal import SystemPackage
internal import Triage

/// What a listener tells of the forks that come.
struct ForkReports: Sendable {
    /// One fork that was dealt with.
    struct Item: Sendable {
        let examination: ForkExamination
        let path: FilePath
        let evidence: FilePath
        let files: FilePath?
        let decision: ForkEvidence.Decision
        let trust: ForkEvidence.Trust
        let signer: SignerStanding?
        let run: ForkEvidence.Run?
        let answered: String?
    }

    let json: Bool

    /// Tells what became of a fork.
    func tell(_ item: Item) { if json { tellProgram(item) } else { tellPerson(item) } }

    /// Explains something.
    func note(_ text: String) { Terminal.note(text) }

    /// Tells of an offer that could not be dealt with.
    func problem(_ error: any Error) { Terminal.complain("\(error)") }

    private func tellProgram(_ item: Item) {
        var fields: [(String, JSONLine.Value)] = [
            ("event", "fork"), ("path", .text(item.path.string)), ("evidence", .text(item.evidence.string)),
            ("files", .init(item.files?.string)), ("decision", .text(item.decision.rawValue)),
        ]
        fields += Self.fields(item.trust, item.signer)
        fields += ForkReport.fields(item.examination.token) + ForkReport.fields(item.examination)
        if let run = item.run {
            let values: [(String, JSONLine.Value)] = [
                ("success", .flag(run.succeeded)), ("exit_code", run.exitCode.map(JSONLine.Value.number) ?? .null),
                ("resume_hash", .text(run.resumeHash)), ("problem", .init(run.problem)),
            ]
            fields.append(("run", .object(values)))
        } else {
            fields.append(("run", .null))
        }
        Terminal.say(JSONLine(fields + [("answered", .init(item.answered))]))
    }

    /// Tells of an envelope that was kept and not opened.
    func tell(_ envelope: UnopenedFork, _ trust: ForkEvidence.Trust, evidence: FilePath) {
        let signer = envelope.standing.decision.signer
        if json {
            let fields: [(String, JSONLine.Value)] = [
                ("event", "fork-unopened"), ("envelope", .text(envelope.path.string)),
                ("evidence", .text(evidence.string)), ("sender", .text(envelope.manifest.senderName)),
                ("sender_pubkey", .text(envelope.manifest.senderKey.hex)),
            ]
            return Terminal.say(JSONLine(fields + Self.fields(trust, signer)))
        }
        Terminal.say("! kept, not opened: \(VerdictReport.shown(envelope.name)) → \(envelope.path)")
        for line in Self.lines(trust, signer) { Terminal.say("  " + line) }
    }

    /// The documented keys of what is known of a sender.
    static func fields(_ trust: ForkEvidence.Trust?, _ signer: SignerStanding?) -> [(String, JSONLine.Value)] {
        (signer?.fields ?? SignerStanding.noFields) + [
            ("outcome", .init(trust?.outcome)), ("reason", .init(trust?.reason)),
        ]
    }

    /// Why a sender is not believed, and how to pin its key; empty for one that is.
    static func lines(_ trust: ForkEvidence.Trust?, _ signer: SignerStanding?) -> [String] {
        guard let trust, let reason = trust.reason else { return [] }
        let why = "\(reason): \(VerdictReport.shown(trust.detail ?? ""))"
        return [why] + (signer?.advice.map { [$0] } ?? [])
    }

    private func tellPerson(_ item: Item) {
        let token = item.examination.token
        Terminal.say("\(Self.mark(item)) \(item.decision.rawValue) \(VerdictReport.shown(token.id)) → \(item.path)")
        let lines = ForkReport.lines(token) + ForkReport.lines(item.examination)
        for line in lines { Terminal.say("  " + line) }
        for line in Self.lines(item.trust, item.signer) { Terminal.say("  " + line) }
        if let files = item.files { Terminal.say("  files      \(files)") }
        if let run = item.run {
            Terminal.say(
                run.succeeded ? "  ✓ executed: \(run.resumeHash)" : "  ✗ failed: \(run.problem ?? "")")
        }
        if let answered = item.answered { Terminal.say("  ✓ told \(VerdictReport.shown(answered))") }
    }

    private static func mark(_ item: Item) -> String {
        if item.decision == .refused || item.run?.succeeded == false { return "✗" }
        return item.examination.hasFailures || item.decision == .triage ? "!" : "✓"
    }
}
