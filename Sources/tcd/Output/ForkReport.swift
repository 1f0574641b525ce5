internal import Fabric
internal import Triage

/// Forks as people and programs read them (`docs/scripting.md`).
enum ForkReport {
    /// The documented keys of a token.
    static func fields(_ token: ForkToken) -> [(String, JSONLine.Value)] {
        [
            ("fork_id", .text(token.id)), ("fork_hash", .text(token.hash)), ("fork_type", .text(token.typeName)),
            ("intent", .text(token.intent)), ("continuation_point", .text(token.continuationPoint)),
            ("actor_from", .text(token.actorFrom)), ("actor_to", .text(token.actorTo)),
            ("memory_hash", .text(token.memoryHash)), ("parent_stack_hash", .text(token.parentStackHash)),
            ("forked_at", .text(token.forkedAt)), ("expires_at", .text(token.expiresAt)),
        ]
    }

    /// The documented key of what was found.
    static func fields(_ examination: ForkExamination) -> [(String, JSONLine.Value)] {
        let checks = examination.checks.map { check -> (String, JSONLine.Value) in
            (
                check.subject.rawValue,
                .object([("outcome", .text(check.outcome.rawValue)), ("detail", .text(check.detail))])
            )
        }
        return [
            ("checks", .object(checks)),
            ("sender_clock_lead_seconds", examination.clockLead.map(JSONLine.Value.number) ?? .null),
        ]
    }

    /// What a person reads of a token.
    static func lines(_ token: ForkToken) -> [String] {
        var lines = [
            "type       \(shown(token.typeName))", "handoff    \(shown(token.handoff))",
            "intent     \(shown(token.intent))", "go on at   \(shown(token.continuationPoint))",
            "memory     \(shown(token.memoryHash))",
        ]
        if !token.requirements.members.isEmpty {
            lines.append("requires   \(shown(JSONValue.object(token.requirements).text(.python)))")
        }
        if !token.expiresAt.isEmpty { lines.append("expires    \(shown(token.expiresAt))") }
        return lines + ["hash       \(token.hash)"]
    }

    /// What a person reads of what was found.
    static func lines(_ examination: ForkExamination) -> [String] {
        examination.checks.map { check in
            let mark =
                switch check.outcome {
                case .pass: "✓"
                case .fail: "✗"
                case .unknown: "?"
                }
            return "\(mark) \(check.subject.rawValue): \(shown(check.detail))"
        }
    }

    private static func shown(_ text: String) -> String { VerdictReport.shown(text) }
}
