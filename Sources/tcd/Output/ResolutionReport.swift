internal import Fabric
internal import Resolver

/// What came of resolving, as people and programs read it.
struct ResolutionReport {
    let resolution: Resolution

    /// The documented keys (`docs/scripting.md`).
    var fields: [(String, JSONLine.Value)] {
        [
            ("event", "resolved"), ("target", .text(resolution.target.text)), ("name", .init(resolution.name)),
            ("transport", .init(resolution.target.transport)), ("minimum_trust", .decimal(resolution.minimumTrust)),
            (
                "sources",
                .list(
                    resolution.sources.map { source in
                        .object([
                            ("name", .text(source.name.rawValue)), ("outcome", .text(source.outcome.rawValue)),
                            ("detail", .text(source.detail)),
                        ])
                    })
            ),
            ("routes", .list(resolution.routes.map { .object(Self.fields(of: $0)) })),
            (
                "passed_over",
                .list(
                    resolution.passedOver.map { .object(Self.fields(of: $0.planned) + [("reason", .text($0.reason))]) })
            ),
            ("receiver", receiver), ("key_standing", .text(resolution.keyStanding.rawValue)),
            ("host_change", resolution.hostChange.map { .object($0.fields) } ?? .null),
            ("capabilities", .init(resolution.capabilities)), ("notices", .init(resolution.notices)),
            ("problem", .init(resolution.failure?.explanation)),
        ]
    }

    private var receiver: JSONLine.Value {
        guard let receiver = resolution.receiver else { return .null }
        return .object([
            ("name", .text(receiver.name)), ("pubkey_hex", .init(receiver.key?.hex)),
            ("fingerprint_hex", .init(receiver.key?.fingerprint.hex)),
            ("trust", receiver.trust.map { .decimal($0) } ?? .null), ("origin", .text("\(receiver.origin)")),
        ])
    }

    private static func fields(of planned: PlannedRoute) -> [(String, JSONLine.Value)] {
        [
            ("transport", .text(planned.route.scheme)), ("address", .text(planned.route.address)),
            ("origin", .text("\(planned.origin)")),
        ]
    }

    /// What a person reads.
    var lines: [String] {
        var lines = [VerdictReport.shown(resolution.target.text)]
        if let receiver = resolution.receiver {
            lines.append("  receiver      \(VerdictReport.shown(receiver.name)), says \(receiver.origin)")
            if let key = receiver.key {
                lines.append("  key           \(key.hex) (\(keyWords))")
                lines.append("  fingerprint   SHA256:\(key.fingerprint.hex)")
            }
            lines.append("  trust         \(receiver.trust.map { "\($0)" } ?? "nobody says")")
        }
        if !resolution.capabilities.isEmpty {
            lines.append("  capabilities  \(resolution.capabilities.joined(separator: ", "))")
        }
        lines.append("routes, in the order in which they would be tried")
        for (index, planned) in resolution.routes.enumerated() {
            lines.append("  \(index + 1). \(planned.route.scheme)  \(planned.route.address)  [\(planned.origin)]")
        }
        if resolution.routes.isEmpty { lines.append("  none") }
        if !resolution.passedOver.isEmpty { lines.append("passed over") }
        for passed in resolution.passedOver {
            let planned = passed.planned
            lines.append("  \(planned.route.scheme)  \(planned.route.address)  [\(planned.origin)]: \(passed.reason)")
        }
        lines.append("asked")
        for source in resolution.sources {
            lines.append("  \(source.name.rawValue): \(source.outcome.rawValue): \(source.detail)")
        }
        return lines + resolution.notices.map { "note: \($0)" }
    }

    private var keyWords: String {
        switch resolution.keyStanding {
        case .none: "not compared with anything"
        case .configured: "from routes.toml"
        case .pinned: "pinned"
        case .new: "not seen before; sending pins it"
        case .changed: "not the one that is known"
        }
    }
}
