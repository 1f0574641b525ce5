internal import Fabric
internal import HTTPTypes

/// Leases and their settling, which are alike for frames and messages.
struct LeaseDesk: Sendable {
    let core: HubCore

    /// The fields that every lease takes.
    static let leaseFields: [Endpoint.Field] = [
        .required("agent", "string", "whose mailbox"),
        .optional("lease_seconds", "number", "for how long it is held, 1 to 3600; 60 if absent"),
        .optional("wait_seconds", "number", "for how long to wait until something is there, 0 to 60; 0 if absent"),
        .optional("limit", "integer", "how many at most, 1 to 100; 1 if absent"),
    ]

    /// The fields of settling.
    static let settleFields: [Endpoint.Field] = [
        .required("agent", "string", "whose mailbox"),
        .optional("lease_id", "string", "the lease"),
        .optional("lease_ids", "texts", "up to 100 leases to be settled alike, in place of lease_id"),
        .required("settlement", "string", "commit, extend, release or refuse"),
        .optional("seconds", "number", "extend: for how long; release: after how long; 60 and 0 if absent"),
        .optional("reason", "string", "refuse: why"),
    ]

    /// What a consumer asked for.
    struct Wish: Sendable {
        let request: LeaseRequest
        let wait: Double
    }

    /// Reads the fields that every lease takes.
    static func wish(in fields: inout BodyFields) -> Wish {
        let agent = fields.agent("agent")
        let seconds = fields.optionalNumber("lease_seconds", in: 1...3600) ?? 60
        let wait = fields.optionalNumber("wait_seconds", in: 0...60) ?? 0
        let limit = fields.optionalInteger("limit", in: 1...100) ?? 1
        return Wish(
            request: LeaseRequest(agent: agent, duration: .seconds(seconds), limit: Int(limit)), wait: wait)
    }

    /// Waits for something to lease, and answers with it; where nobody takes the answer, everything is released.
    ///
    /// - Parameter topic: the same for all who would lease the same.
    func answer<Item: Sendable>(
        _ exchange: Exchange, _ wish: Wish, of topic: String, at mailbox: MailboxName, as member: String,
        _ lease: () async throws(StoreError) -> LeaseAnswer<Item>, _ json: (Lease<Item>) -> String
    ) async throws(HubFault) -> HubReply {
        let leases: [Lease<Item>] = try await core.poll(exchange, at: mailbox, taking: topic, for: wish.wait) {
            () async throws(HubFault) in
            let answer = try await stored(lease)
            return HubCore.Look(
                found: answer.leases, isAny: !answer.leases.isEmpty, leavesSome: answer.leavesSome,
                due: answer.nextDue ?? answer.leases.first?.until)
        }
        var text = JSONText()
        text.add(member, list: leases.map(json))
        text.add("count", .integer(leases.count))
        var reply = HubReply(json: text)
        guard !leases.isEmpty else { return reply }
        core.metrics.add("leases", leases.count)
        let (store, ids, agent) = (core.store, leases.map(\.id), wish.request.agent)
        reply.undo = {
            // Where even this fails, the leases run out.
            _ = try? await store.settle(leases: ids, agent: agent, .release(after: .zero))
        }
        return reply
    }

    /// Settles one lease or many.
    func settle(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let agent = fields.agent("agent")
        let many = fields.optionalTexts("lease_ids")
        let one = many == nil ? fields.text("lease_id") : ""
        let seconds = fields.optionalNumber("seconds", in: 0...86_400)
        let reason = fields.optionalText("reason") ?? "refused by the receiver"
        let settlement = fields.parsed("settlement", "commit, extend, release or refuse") { word -> Settlement? in
            switch word {
            case "commit": .commit
            case "extend": .extend(.seconds(seconds ?? 60))
            case "release": .release(after: .seconds(seconds ?? 0))
            case "refuse": .refuse(reason)
            default: nil
            }
        }
        if let many, !(1...100).contains(many.count) { fields.refuse("lease_ids", "Input should have 1 to 100 items") }
        try fields.check()
        guard let settlement else { return HubReply([:]) }
        try core.access.require(agent, try await core.access.caller(of: exchange))
        guard let many else {
            let settled = try await stored { () async throws(StoreError) in
                try await core.store.settle(lease: one, agent: agent, settlement)
            }
            core.metrics.add("settled")
            return HubReply(Self.json(of: settled))
        }
        let results = try await stored { () async throws(StoreError) in
            try await core.store.settle(leases: many, agent: agent, settlement)
        }
        core.metrics.add("settled", results.count)
        let answers = zip(many, results).map { (id, result) -> JSONValue in
            var object: JSONObject = ["lease_id": .text(id)]
            switch result {
            case .success(let settled):
                for (key, value) in Self.json(of: settled).members { object[key] = value }
            case .failure(let error):
                for (key, value) in HubFault(error).body.members { object[key] = value }
            }
            return .object(object)
        }
        return HubReply(["results": .list(answers)])
    }

    private static func json(of settled: Settled) -> JSONObject {
        var object: JSONObject = [:]
        switch settled.outcome {
        case .committed: object["state"] = "committed"
        case .refused: object["state"] = "refused"
        case .leased(let until):
            object["state"] = "leased"
            object["lease_until"] = .text(until.iso8601Microseconds)
        case .waiting(let from):
            object["state"] = "waiting"
            object["waiting_from"] = .text(from.iso8601Microseconds)
        }
        if let channel = settled.closedChannel { object["closed_channel"] = .text(channel) }
        return object
    }
}
