package import Fabric

extension HubStore {
    /// Settles what is held under a lease of `agent`'s mailbox.
    ///
    /// - Throws: `unknownLease`, `leaseLost`, `settledOtherwise`, `unstorable`.
    package func settle(lease id: String, agent: String, _ settlement: Settlement) async throws(StoreError) -> Settled {
        let results = try await settle(leases: [id], agent: agent, settlement)
        guard let result = results.first else { throw .unknownLease(id) }
        return try result.get()
    }

    /// Settles many alike, in one transaction; each succeeds or fails for itself. The answers are in the order of `leases`.
    ///
    /// - Throws: `unstorable` for the reason of a refusal.
    package func settle(
        leases: [String], agent: String, _ settlement: Settlement
    ) async throws(StoreError) -> [Result<Settled, StoreError>] {
        if case .refuse(let reason) = settlement { try Texts.check(reason, "reason") }
        let core = core
        return try await core.change { change throws(JobFailure) in
            try ItemSettling(core: core, agent: agent, settlement: settlement).settle(leases, change)
        }
    }

    /// Waiting frames, oldest first, without taking them: for hints.
    package func waitingFrames(
        agent: String, intent: String?, after position: Int64 = 0, limit: Int
    ) async throws(StoreError) -> [Frame] {
        try Texts.checkName(agent, "agent")
        try Texts.checkName(intent, "intent")
        let bytes = core.configuration.answerBytes
        return try await core.ask { inquiry throws(JobFailure) in
            let waiting = WaitingItems(
                mailbox: MailboxName(.mux, of: agent), topics: intent.map { [$0] }, after: position)
            return try inquiry.frames(try waiting.find(limit: max(1, limit), bytes: bytes, inquiry))
        }
    }

    /// Waiting messages, oldest first, without taking them: for hints.
    package func waitingMessages(
        agent: String, filter: MessageFilter = .all, after position: Int64 = 0, limit: Int
    ) async throws(StoreError) -> [Message] {
        try Texts.checkName(agent, "agent")
        let bytes = core.configuration.answerBytes
        return try await core.ask { inquiry throws(JobFailure) in
            let waiting = WaitingItems(
                mailbox: MailboxName(.ipoll, of: agent), topics: filter.topics, after: position)
            return try inquiry.messages(try waiting.find(limit: max(1, limit), bytes: bytes, inquiry))
        }
    }
}
