internal import Fabric

/// A verdict as people and programs read it.
struct VerdictReport {
    let verdict: EnvelopeVerdict
    /// What is known of its signer; nil where there is none.
    let signer: SignerStanding?

    /// The documented keys of a verdict (`docs/scripting.md`), without the file's name.
    var fields: [(String, JSONLine.Value)] {
        let manifest = verdict.manifest
        let pin = signer?.fields ?? [("pin", .null), ("pinned_pubkey", .null)]
        return [
            ("valid", .flag(verdict.isValid)), ("verification_state", .text(verdict.state.name)),
            ("assurance", .init(verdict.assurance?.rawValue)),
            ("surface_status", .init(verdict.comparison?.status.rawValue)),
            ("mismatch_class", .init(verdict.comparison?.mismatchClass?.rawValue)),
            ("canonical_name", .init(verdict.isValid ? manifest?.surface.canonicalName(today: .now())?.text : nil)),
            ("sender_aint", .init(manifest?.senderName)), ("sender_pubkey", .init(manifest?.senderKey.hex)),
        ] + pin + [
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
        guard let manifest = verdict.manifest, verdict.isValid else {
            return ["✗ invalid (\(verdict.state))"] + verdict.faults.prefix(20).map { "  " + $0.description }
        }
        var lines = [
            "\(verdict.needsTriage || signer?.refusal != nil ? "!" : "✓") valid, \(verdict.state)"
                + (verdict.assurance == .reduced ? " (reduced assurance: no surface name)" : "")
        ]
        lines.append("  signed by \(manifest.senderKey), which claims to be '\(Self.shown(manifest.senderName))'")
        if let signer { lines.append("  " + signer.line) }
        if let comparison = verdict.comparison, comparison.status != .match, comparison.status != .none {
            lines.append("  surface \(comparison.status): " + Self.why(comparison))
        }
        return lines
    }

    private static func why(_ comparison: SurfaceComparison) -> String {
        guard comparison.status == .mismatch else { return "only one of name and manifest has a surface" }
        let fields = comparison.differences.map(\.rawValue).joined(separator: ", ")
        return "name and manifest differ in \(fields) (\(comparison.mismatchClass?.rawValue ?? "unclassified"))"
    }

    /// Text from elsewhere, fit for a terminal.
    static func shown(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(200).map { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) ? "?" : $0 }))
    }
}
