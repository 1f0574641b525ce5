extension HubStore {
    /// Counts. Does not grow with what is stored.
    package func totals() async throws(StoreError) -> StoreTotals {
        try await core.ask { inquiry throws(JobFailure) in
            let rows = try inquiry.rows("SELECT name, CAST(SUM(amount) AS BIGINT) FROM total GROUP BY name")
            var totals = StoreTotals()
            for row in rows {
                guard let total = Sums.Total(rawValue: row.text(0)) else { continue }
                totals[keyPath: total.place] = row.integer(1)
            }
            return totals
        }
    }

    /// How many messages wait, of the agents with the most.
    package func pendingByAgent(limit: Int) async throws(StoreError) -> [(agent: String, pending: Int64)] {
        try await core.ask { inquiry throws(JobFailure) in
            try inquiry.rows(
                """
                SELECT agent, unsettled FROM mailbox WHERE kind = \(MailboxKind.ipoll.code) AND unsettled > 0
                ORDER BY unsettled DESC LIMIT ?
                """, .integer(Int64(max(1, limit)))
            ).map { (agent: $0.text(0), pending: $0.integer(1)) }
        }
    }
}

extension Sums.Total {
    /// Where it is shown.
    var place: WritableKeyPath<StoreTotals, Int64> {
        switch self {
        case .channelsOpened: \.channelsOpened
        case .channelsClosed: \.channelsClosed
        case .channelsOpen: \.channelsOpen
        case .framesAppended: \.framesAppended
        case .frameBytes: \.frameBytes
        case .framesUnsettled: \.framesUnsettled
        case .messagesPushed: \.messagesPushed
        case .messageBytes: \.messageBytes
        case .messagesPending: \.messagesPending
        case .itemsRefused: \.itemsRefused
        case .agentsRegistered: \.agentsRegistered
        case .blobBytes: \.blobBytes
        }
    }
}
