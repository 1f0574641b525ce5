internal import Fabric

/// A verdict as people and programs read it.
struct VerdictReport {
    let verdict: EnvelopeVerdict
    /// What is to become of it.
    let decision: TrustDecision

    /// The documented keys of a verdict (`docs/scripting.md`), without the file's name.
    var fields: [(String, JSONLine.Value)] {
        let manifest = verdict.manifest
        return [
            ("valid", .flag(verdict.isValid)), ("verification_state", .text(decision.state.name)),
            ("assurance", .init(verdict.assurance?.rawValue)),
            ("surface_status", .init(verdict.comparison?.status.rawValue)),
            ("mismatch_class", .init(verdict.comparison?.mismatchClass?.rawValue)),
            ("canonical_name", .init(verdict.isValid ? manifest?.surface.canonicalName(today: .now())?.text : nil)),
            ("sender_aint", .init(manifest?.senderName)), ("sender_pubkey", .init(manifest?.senderKey.hex)),
            ("receiver_pubkey", .init(manifest.flatMap { $0.isUnaddressed ? nil : $0.receiverKey })),
        ] + decision.fields + [
            ("tpid", .init(manifest?.transferID.text)),
            ("content_digest", .init(manifest?.computedContentDigest.description)),
            ("created_at", .init(manifest?.createdAt.iso8601)),
            ("blocks", manifest.map { .number(Int64($0.blocks.count)) } ?? .null),
            ("size_bytes", .number(verdict.size)),
            (
                "errors",
                .list(
                    verdict.faults.map { fault in
                        .object([
                            ("code", .text(fault.code.rawValue)),
                            ("block", fault.block.map { .number(Int64($0)) } ?? .null),
                            ("detail", .text(fault.detail)),
                        ])
                    })
            ),
        ]
    }

    /// What a person reads, the first line without the name before it.
    var lines: [String] {
        guard let signer = decision.signer, verdict.isValid else {
            return ["✗ invalid (\(decision.state))"] + verdict.faults.prefix(20).map { "  " + $0.description }
        }
        var lines = [
            "\(needsAttention ? "!" : "✓") valid, \(decision.state)"
                + (verdict.assurance == .reduced ? " (reduced assurance: no surface name)" : "")
        ]
        lines += ["  " + signer.title, "  " + signer.line]
        if let comparison = verdict.comparison, comparison.status != .match, comparison.status != .none {
            lines.append("  surface \(comparison.status): " + Self.why(comparison))
        }
        lines += decision.objections.filter(\.isUntold).map { "  \($0.isRefusal ? "refused" : "triage"): \($0)" }
        return lines
    }

    /// Whether more than an unknown signer stands in the way.
    private var needsAttention: Bool { decision.refusal != nil || decision.objections.contains(where: \.needsTriage) }

    private static func why(_ comparison: SurfaceComparison) -> String {
        guard comparison.status == .mismatch else { return "only one of name and manifest has a surface" }
        let fields = comparison.differences.map(\.rawValue).joined(separator: ", ")
        return "name and manifest differ in \(fields) (\(comparison.mismatchClass?.rawValue ?? "unclassified"))"
    }

    /// Text from elsewhere, fit for a terminal.
    static func shown(_ text: String) -> String { DisplayText.line(text) }
}

extension TrustObjection {
    /// Whether `verify` exits with the status for triage. A signer without a pin, and a name without a surface, are what
    /// most envelopes have, and as valid as any.
    var needsTriage: Bool {
        switch self {
        case .surface(let comparison): comparison.status == .mismatch
        case .formerKey, .datedAhead: true
        default: false
        }
    }

    /// Whether neither the signer's line nor the surface's tells of it.
    fileprivate var isUntold: Bool {
        switch self {
        case .wrongReceiver, .receiverUnknown, .datedAhead, .notListed, .otherKey: true
        default: false
        }
    }
}
