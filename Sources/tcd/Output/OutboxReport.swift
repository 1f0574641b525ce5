internal import Fabric

/// A delivery in the outbox, as people and programs read it.
struct OutboxReport {
    let entry: OutboxEntry

    /// The documented keys of a delivery (`docs/scripting.md`).
    var fields: [(String, JSONLine.Value)] {
        [
            ("id", .text(entry.id.text)), ("tpid", .text(entry.transferID.text)), ("name", .text(entry.name.text)),
            ("digest", .text(entry.digest.description)), ("target", .text(entry.target.text)),
            ("transport", .init(entry.target.transport)), ("sealed_bytes", .number(entry.size)),
            ("state", .text(entry.state.rawValue)), ("reason", .init(entry.reason)),
            ("since", .text(entry.since.iso8601)), ("created_at", .text(entry.created.iso8601)),
            ("attempts", .number(Int64(entry.attempts))), ("next_attempt", .init(entry.nextAttempt?.iso8601)),
            ("expires", .init(entry.expiry?.iso8601)), ("wanted", .text(entry.wanted.description)),
            ("reached", .init(entry.reached?.description)), ("awaits", .init(entry.awaited)),
        ]
    }

    /// One line for a list.
    var line: String {
        let size = Quantity.bytes(entry.size)
        var line = "\(entry.id)  \(padded(entry.state.rawValue, 11))  \(padded(size, 9))  "
        line += "\(VerdictReport.shown(entry.target.text))  \(entry.name)"
        if let next = entry.nextAttempt, entry.attempts > 0 { line += "  (next attempt \(next.iso8601))" }
        return line
    }

    /// Where it stands, for a person, without the id.
    var standing: String {
        switch entry.state {
        case .queued:
            guard let next = entry.nextAttempt, entry.attempts > 0 || entry.reason != nil else { return "queued" }
            return "queued, next attempt \(next.iso8601)"
        default: return entry.state.rawValue
        }
    }

    func tell(json: Bool, event: String = "entry") {
        if json {
            Terminal.say(JSONLine([("event", .text(event))] + fields))
        } else {
            Terminal.say("\(entry.id) is \(standing)" + (entry.reason.map { ": \(VerdictReport.shown($0))" } ?? ""))
        }
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}

/// Everything about a delivery, as people and programs read it.
struct OutboxDetailReport {
    let detail: OutboxDetail

    func tell(json: Bool) throws {
        if json { try tellJSON() } else { for line in try lines() { Terminal.say(line) } }
    }

    private func lines() throws -> [String] {
        let entry = detail.entry
        var lines = ["\(entry.id) is \(OutboxReport(entry: entry).standing), since \(entry.since.iso8601)"]
        if let reason = entry.reason { lines.append("  why       \(VerdictReport.shown(reason))") }
        if let awaited = entry.awaited { lines.append("  awaits    \(awaited)") }
        lines.append("  target    \(VerdictReport.shown(entry.target.text))")
        let options = options(of: entry.target)
        if !options.isEmpty { lines.append("  options   \(options)") }
        let environment = entry.target.options["environment"] ?? []
        if !environment.isEmpty {
            lines.append("  settings  " + environment.map { VerdictReport.shown($0) }.joined(separator: " "))
        }
        lines.append("  envelope  \(entry.name), \(Quantity.bytes(entry.size)), \(entry.digest)")
        lines.append("  transfer  \(entry.transferID)")
        lines.append("  wanted    \(entry.wanted)" + (entry.reached.map { ", reached \($0)" } ?? ""))
        if let expiry = entry.expiry { lines.append("  expires   \(expiry.iso8601)") }
        for attempt in detail.attempts {
            let outcome = attempt.outcome?.name ?? "under way"
            let explanation = attempt.explanation.map { ": \(VerdictReport.shown($0))" } ?? ""
            lines.append("  \(attempt.started.iso8601)  \(attempt.route) (\(attempt.origin))  \(outcome)\(explanation)")
        }
        for route in detail.routes {
            let next = route.notBefore.map { "rests until \($0.iso8601)" } ?? "is not tried again by itself"
            lines.append("  \(route.route) \(next)")
        }
        for receipt in detail.receipts {
            lines.append("  \(receipt.date.iso8601)  receipt: \(try ReceiptLine(receipt, of: entry).text)")
        }
        return lines
    }

    /// The options as they would be typed.
    private func options(of target: DeliveryTarget) -> String {
        let words = target.options.filter { !PlanningSettings.keys.contains($0.key) }.sorted { $0.key < $1.key }.flatMap
        {
            name, values in
            values.map { $0 == "yes" ? "--\(name)" : "--\(name) \(VerdictReport.shown($0))" }
        }
        return words.joined(separator: " ")
    }

    private func tellJSON() throws {
        let attempts = detail.attempts.map { attempt -> JSONLine.Value in
            var action: String?
            if case .failed(_, let name)? = attempt.outcome { action = name }
            return .object([
                ("route", .text(attempt.route.address)), ("carrier", .text(attempt.route.scheme)),
                ("origin", .text(attempt.origin)), ("started", .text(attempt.started.iso8601)),
                ("ended", .init(attempt.ended?.iso8601)), ("outcome", .init(attempt.outcome?.name)),
                ("action", .init(action)), ("explanation", .init(attempt.explanation)),
            ])
        }
        let routes = detail.routes.map { route -> JSONLine.Value in
            .object([
                ("route", .text(route.route.address)), ("failures", .number(Int64(route.failures))),
                ("not_before", .init(route.notBefore?.iso8601)), ("ruled_out", .flag(route.isRuledOut)),
                ("reason", .text(route.reason)),
            ])
        }
        let receipts = try detail.receipts.map { JSONLine.Value.object(try ReceiptLine($0, of: detail.entry).fields) }
        let options = detail.entry.target.options.sorted { $0.key < $1.key }.map { name, values in
            (name, JSONLine.Value.list(values.map { .text($0) }))
        }
        Terminal.say(
            JSONLine(
                [("event", "entry")] + OutboxReport(entry: detail.entry).fields + [
                    ("options", .object(options)), ("tries", .list(attempts)), ("routes", .list(routes)),
                    ("receipts", .list(receipts)),
                ]))
    }
}

/// One receipt, as people and programs read it.
struct ReceiptLine {
    private let receipt: StoredReceipt
    private let proven: ProvenReceipt?

    /// - Throws: `TrustError` when the pins cannot be read.
    init(_ receipt: StoredReceipt, of entry: OutboxEntry) throws {
        self.receipt = receipt
        proven = try receipt.delivered.map { try ProvenReceipt($0, of: entry) }
    }

    var text: String {
        switch receipt.source {
        case .acknowledgement(let acknowledgement, _):
            let by = "acknowledged by \(acknowledgement.signer) ('\(VerdictReport.shown(acknowledgement.signerName))')"
            return by + (acknowledgement.note.map { ": \(VerdictReport.shown($0))" } ?? "")
        case .carrier(let delivery):
            let stored = delivery.storedName.map { ", there as \(VerdictReport.shown($0))" } ?? ""
            let strength = proven?.text ?? delivery.strength.description
            let notice = proven?.proof.notice.map { "; \($0)" } ?? ""
            return "\(strength) at \(delivery.route)\(stored)\(delivery.wasDuplicate ? ", again" : "")\(notice)"
        }
    }

    var fields: [(String, JSONLine.Value)] {
        let common: [(String, JSONLine.Value)] = [
            ("received_at", .text(receipt.date.iso8601)), ("strength", .text(receipt.strengthName)),
        ]
        switch receipt.source {
        case .acknowledgement(let acknowledgement, _):
            return common + [
                ("signer", .text(acknowledgement.signer.hex)), ("signer_aint", .text(acknowledgement.signerName)),
                ("sealed_at", .text(acknowledgement.sealed.iso8601)), ("note", .init(acknowledgement.note)),
            ]
        case .carrier(let delivery):
            let carried: [(String, JSONLine.Value)] = [
                ("route", .text(delivery.route.address)), ("stored_name", .init(delivery.storedName)),
                ("far_digest", .init(delivery.farDigest?.description)), ("duplicate", .flag(delivery.wasDuplicate)),
                ("resumed_from", .number(delivery.resumedFrom)),
            ]
            return common + carried + (proven?.fields ?? ProvenReceipt.noFields)
        }
    }
}

extension StoredReceipt {
    /// What a carrier reported; nil for an acknowledgement.
    var delivered: DeliveryReceipt? {
        if case .carrier(let receipt) = source { receipt } else { nil }
    }
}
