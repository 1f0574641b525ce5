package import Fabric

extension HubStore {
    /// Remembers a nonce until `expiry`.
    ///
    /// - Returns: whether it is new; false when this agent has used it before and that has not expired.
    package func isFirstUse(
        ofNonce nonce: String, by agent: String, until expiry: Timestamp
    ) async throws(StoreError) -> Bool {
        try Texts.checkName(nonce, "nonce")
        try Texts.checkName(agent, "agent")
        return try await core.change { change throws(JobFailure) in
            try change.change(
                """
                INSERT INTO nonce (agent, nonce, expires) VALUES (?, ?, ?)
                ON CONFLICT (agent, nonce) DO UPDATE SET expires = excluded.expires WHERE nonce.expires <= ?
                """, .text(agent), .text(nonce), .integer(expiry.microseconds), .integer(change.now)
            ).changes == 1
        }
    }

    /// What the agent has sent in the clock hour of `time`.
    package func usage(of agent: String, at time: Timestamp) async throws(StoreError) -> HourlyUsage {
        try Texts.checkName(agent, "agent")
        let hour = time.microseconds / 3_600_000_000
        return try await core.ask { inquiry throws(JobFailure) in
            let row = try inquiry.row(
                "SELECT messages, bytes FROM hourly WHERE agent = ? AND hour = ?", .text(agent), .integer(hour))
            return HourlyUsage(hour: hour, messages: row?.integer(0) ?? 0, bytes: row?.integer(1) ?? 0)
        }
    }

    /// What a mailbox holds.
    package func load(of mailbox: MailboxName) async throws(StoreError) -> MailboxLoad {
        try Texts.checkName(mailbox.agent, "agent")
        return try await core.ask { inquiry throws(JobFailure) in try inquiry.load(of: mailbox) }
    }
}
