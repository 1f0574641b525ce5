package import Fabric
internal import HTTPClient

/// What to lease from a mailbox, and how.
package struct HubLeaseQuery: Sendable {
    /// Whose mailbox.
    package var agent: HubAgent
    /// For how long what comes is held for the caller, until it is settled or extended. 1 second to 1 hour.
    package var lease: Duration = .seconds(60)
    /// How long the hub may wait until there is something. At most 60 seconds.
    package var wait: Duration = .zero
    /// How many at most, 1 to 100.
    package var limit: Int = 1
    /// What only one of the mailboxes knows: `intent`, `kinds`, `poll_types`.
    package var filters: JSONObject = [:]
    /// How much of the answer is taken, in bytes.
    package var largestAnswer: Int = 16 << 20

    /// A query for whatever waits for `agent`.
    package init(agent: HubAgent) { self.agent = agent }
}

/// One frame or message that a hub holds for the caller.
package struct HubLease: Sendable {
    /// What the hub calls the lease.
    package let id: String
    /// For how long it is held, from when it was offered.
    package let duration: Duration
    /// How many times it was offered, this time included; nil where the hub does not say.
    package let deliveries: Int64?
    /// The frame or message as it came.
    package let item: JSONValue
    /// What the hub says of the sender.
    package var proof: SenderProof { item.object.map { SenderProof($0) } ?? .unproven }
}

extension HubClient {
    /// Leases what waits in a mailbox; none when nothing came in the time.
    ///
    /// When the task is cancelled the hub notices that nobody listens, and offers again what it was about to answer.
    package func lease(
        from mailbox: HubMailbox, _ query: HubLeaseQuery
    ) async throws(CarrierError) -> [HubLease] {
        var body = query.filters
        body["agent"] = .text(query.agent.name)
        body["lease_seconds"] = query.lease.asJSON
        body["wait_seconds"] = query.wait.asJSON
        body["limit"] = .integer(query.limit)
        let answer = try object(
            try await ask(
                .post, mailbox.path + "/lease", .object(body), patience: query.wait, largestAnswer: query.largestAnswer)
        )
        guard let items = answer[mailbox.items]?.list else { throw unexpected("has no list of '\(mailbox.items)'") }
        var leases: [HubLease] = []
        for item in items {
            guard let id = item["lease_id"]?.text, (1...200).contains(id.utf8.count) else {
                throw unexpected("leases something without an id")
            }
            leases.append(
                HubLease(id: id, duration: query.lease, deliveries: item["deliveries"]?.integer, item: item))
        }
        return leases
    }

    /// Tells the hub what became of what it leased. On return the hub knows durably; the same again is harmless.
    ///
    /// - Throws: `settledOtherwise` and `leaseLost` when the hub says so, and then nothing was changed; `notTold` when
    ///   it did not answer.
    package func settle(
        _ lease: String, in mailbox: HubMailbox, of agent: HubAgent, _ settlement: Settlement
    ) async throws(SettlementError) {
        var body: JSONObject = ["agent": .text(agent.name), "lease_id": .text(lease)]
        switch settlement {
        case .commit: body["settlement"] = "commit"
        case .extend(let duration):
            body["settlement"] = "extend"
            body["seconds"] = duration.asJSON
        case .release(let duration):
            body["settlement"] = "release"
            body["seconds"] = duration.asJSON
        case .refuse(let reason):
            body["settlement"] = "refuse"
            body["reason"] = .text(String(reason.prefix(1000)))
        }
        let answer: HubAnswer
        do throws(CarrierError) {
            answer = try await ask(.post, mailbox.path + "/settle", .object(body))
        } catch {
            throw .notTold(error)
        }
        switch (answer.status, answer.code) {
        case (200..<300, _): return
        case (409, "settled_otherwise"): throw .settledOtherwise(Settlement(told: answer.json?["settled"]?.text))
        case (409, "lease_lost"), (404, "unknown_lease"): throw .leaseLost
        default: throw .notTold(error(answer))
        }
    }
}

extension Settlement {
    /// What a hub says it was told before, of which it names only the kind.
    fileprivate init(told word: String?) {
        switch word {
        case "release": self = .release(after: .zero)
        case "refuse": self = .refuse("")
        default: self = .commit
        }
    }
}

extension Duration {
    /// A number of seconds with a fraction in milliseconds, never below 0.
    fileprivate var asJSON: JSONValue {
        let (seconds, attoseconds) = components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        guard seconds >= 0, milliseconds >= 0 else { return .integer(0) }
        guard milliseconds > 0, let number = JSONNumber(Double(seconds) + Double(milliseconds) / 1000) else {
            return .integer(seconds)
        }
        return .number(number)
    }
}
