package import Fabric

/// Everything that can be said of a fork when it comes in: evidence, which decides nothing by itself.
package struct ForkExamination: Sendable {
    /// The token that was looked at.
    package let token: ForkToken
    /// When, by this machine's clock.
    package let moment: Timestamp
    /// One for each question that could be asked.
    package let checks: [ForkCheck]
    /// What it asks for, one by one.
    package let capabilities: CapabilityCheck
    /// By how many seconds the sender's clock is ahead of this one at least; nil where nothing shows that it is.
    package let clockLead: Int64?

    /// Looks at `token`. Not to be called on a thread of the tasks' pool: see `CapabilityCheck`.
    ///
    /// - Parameters:
    ///   - announced: The hash that the message or the file's neighbour announced; nil where none did.
    ///   - agent: Who looks at it; nil for nobody in particular.
    ///   - machine: What it has.
    ///   - provenance: What was found of its sender; empty where only the token is known.
    package init(
        _ token: ForkToken, announced: String? = nil, agent: String?, machine: Machine, provenance: [ForkCheck] = [],
        at moment: Timestamp = .now()
    ) {
        self.token = token
        self.moment = moment
        capabilities = CapabilityCheck(token, on: machine)
        clockLead = ForkTime.parse(token.forkedAt).flatMap { $0 > moment ? $0.seconds - moment.seconds : nil }
        checks =
            [Self.hash(of: token, announced: announced), Self.fullHash(of: token)] + provenance + [
                Self.expiry(of: token, at: moment, clockLead: clockLead), Self.actor(of: token, agent: agent),
                capabilities.check,
            ]
    }

    /// What was found of one question; nil where it was not asked.
    package func outcome(of subject: ForkCheck.Subject) -> ForkCheck.Outcome? {
        checks.first { $0.subject == subject }?.outcome
    }

    /// Whether something is not what its sender made.
    package var showsTampering: Bool { checks.contains(where: \.showsTampering) }

    /// Whether anything does not hold.
    package var hasFailures: Bool { checks.contains { $0.outcome == .fail } }

    /// The checks that do not hold, in words.
    package var objections: String {
        checks.filter { $0.outcome == .fail }.map { "\($0.subject.rawValue): \($0.detail)" }.joined(separator: "; ")
    }

    private static func hash(of token: ForkToken, announced: String?) -> ForkCheck {
        let computed = token.hash
        let claims = [("the token says", token.statedHash), ("the message says", announced)].filter { $0.1 != nil }
        let wrong = claims.filter { $0.1 != computed }.map { "\($0.0) \($0.1 ?? "")" }
        if let first = wrong.first {
            let both = wrong.count > 1 ? "\(first) and \(wrong[1])" : first
            return ForkCheck(.hash, .fail, "\(both), and it hashes to \(computed)")
        }
        return claims.isEmpty
            ? ForkCheck(.hash, .unknown, "nothing says what it should be; it hashes to \(computed)")
            : ForkCheck(.hash, .pass, computed)
    }

    private static func fullHash(of token: ForkToken) -> ForkCheck {
        guard let stated = token.statedFullHash else {
            return ForkCheck(
                .fullHash, .unknown, "there is none: expiry, requirements, actors and layers are covered by nothing")
        }
        let computed = token.fullHash
        return stated == computed
            ? ForkCheck(.fullHash, .pass, computed)
            : ForkCheck(.fullHash, .fail, "the token says \(stated), and it hashes to \(computed)")
    }

    private static func expiry(of token: ForkToken, at moment: Timestamp, clockLead: Int64?) -> ForkCheck {
        let lead = clockLead.map { "; the sender's clock is \($0) s ahead of this one, or more" } ?? ""
        if token.expiresAt.isEmpty { return ForkCheck(.expired, .pass, "it never expires\(lead)") }
        guard let expiry = ForkTime.parse(token.expiresAt) else {
            return ForkCheck(.expired, .unknown, "'\(token.expiresAt)' is no time\(lead)")
        }
        return moment > expiry
            ? ForkCheck(.expired, .fail, "it expired at \(token.expiresAt); here it is \(moment.iso8601)\(lead)")
            : ForkCheck(.expired, .pass, "it expires at \(token.expiresAt); here it is \(moment.iso8601)\(lead)")
    }

    private static func actor(of token: ForkToken, agent: String?) -> ForkCheck {
        if token.actorTo.isEmpty { return ForkCheck(.actor, .pass, "it is for anybody") }
        guard let agent else { return ForkCheck(.actor, .unknown, "it is for '\(token.actorTo)'") }
        let isMeant = MailboxName.normalized(agent) == MailboxName.normalized(token.actorTo)
        return ForkCheck(.actor, isMeant ? .pass : .fail, "it is for '\(token.actorTo)', and '\(agent)' has it")
    }
}
