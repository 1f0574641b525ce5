internal import Fabric
internal import HTTPTypes

/// The registry of names (`ains.md`): look-ups as every client spells them, and records that only their keys change.
struct RegistryEndpoints: Sendable {
    let core: HubCore

    private static let mostListed: Int64 = 1000

    var all: [Endpoint] { lookups + changes }

    private var lookups: [Endpoint] {
        [
            Endpoint(.get, "/api/ains/resolve/{name}", "Look a name up", isPeers: true) {
                (exchange) async throws(HubFault) in try await resolve(exchange, exchange.capture("name"))
            },
            Endpoint(.get, "/api/ipoll/resolve/{agent}", "Look a name up", isPeers: true) {
                (exchange) async throws(HubFault) in try await resolve(exchange, exchange.capture("agent"))
            },
            Endpoint(
                .get, "/api/ains/list", "List the records; for administrators and programs on this machine",
                isPeers: true,
                query: [
                    .optional("capability", "string", "only those that say so"), .optional("tier"),
                    .optional("limit", "integer", "1 to 1000; 100 if absent"),
                    .optional("after", "string", "only names after this one"),
                ]
            ) { (exchange) async throws(HubFault) in try await list(exchange) },
            Endpoint(
                .get, "/api/ains/search", "Search the records; for administrators and programs on this machine",
                isPeers: true,
                query: [.required("q", "string", "words"), .optional("limit", "integer")]
            ) { (exchange) async throws(HubFault) in try await search(exchange) },
        ]
    }

    private var changes: [Endpoint] {
        [
            Endpoint(
                .post, "/api/ains/register", "Register a name, or replace one's own record; signed by the key itself",
                body: .json([
                    .required("agent"), .required("public_key", "string", "in any spelling"),
                    .optional("endpoint"), .optional("i_poll"), .optional("routes", "texts"),
                    .optional("capabilities", "texts"), .optional("description"), .optional("owner"),
                ]), status: 201
            ) { (exchange) async throws(HubFault) in try await register(exchange) },
            Endpoint(
                .post, "/api/ipoll/register", "Register a name without a key, at an open hub", isPeers: true,
                body: .json([
                    .required("agent_id"), .optional("description"), .optional("capabilities", "texts"),
                ])
            ) { (exchange) async throws(HubFault) in try await registerWithoutKey(exchange) },
            Endpoint(
                .post, "/api/ipoll/request-verification", "Says that tiers are set by an administrator", isPeers: true,
                body: .json([.required("agent_id")])
            ) { (_) async throws(HubFault) in throw Self.noQuestions },
            Endpoint(
                .post, "/api/ipoll/verify-challenge", "Says that tiers are set by an administrator", isPeers: true,
                body: .json([.required("agent_id")])
            ) { (_) async throws(HubFault) in throw Self.noQuestions },
            Endpoint(
                .post, "/api/ains/rotate", "Replace a key by its successor; signed by the old key",
                body: .json([
                    .required("agent"), .required("new_public_key"),
                    .required("proof", "string", "signature by the new key over TIBET-ROTATE-V1, agent, old, new"),
                ])
            ) { (exchange) async throws(HubFault) in try await rotate(exchange) },
            Endpoint(
                .post, "/api/ains/suspend", "Suspend an agent; signed by it or by an administrator",
                body: .json([.required("agent"), .optional("reason")])
            ) { (exchange) async throws(HubFault) in try await setSuspended(true, exchange) },
            Endpoint(
                .post, "/api/ains/resume", "End a suspension; signed by an administrator or by who suspended itself",
                body: .json([.required("agent")])
            ) { (exchange) async throws(HubFault) in try await setSuspended(false, exchange) },
            Endpoint(
                .post, "/api/ains/grant", "Set an agent's tier and trust; signed by an administrator",
                body: .json([
                    .required("agent"), .required("tier", "string", "sandbox, registered, verified or core"),
                    .optional("trust_score", "number", "0 to 1; unchanged if absent"),
                ])
            ) { (exchange) async throws(HubFault) in try await grant(exchange) },
        ]
    }

    // MARK: - Look-ups

    /// Where this hub is: never what the client wrote as its `Host`.
    private func base(_ exchange: Exchange) -> String { core.access.names.url(of: exchange.channel) }

    private func resolve(_ exchange: Exchange, _ name: String) async throws(HubFault) -> HubReply {
        guard let agent = AgentName.parse(name) else { return HubReply(RecordAnswers.resolved(nil, base: "")) }
        let record = try await stored { () async throws(StoreError) in try await core.store.agent(agent) }
        return HubReply(RecordAnswers.resolved(record, base: base(exchange)))
    }

    private func list(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        try await core.access.requireOperator(exchange)
        var query = QueryFields(exchange.address)
        let limit = query.integer("limit", in: 1...Self.mostListed) ?? 100
        try query.check()
        let capability = query.optionalText("capability")?.lowercased()
        let tier = query.optionalText("tier")
        var (found, after): ([AgentRecord], String) = ([], query.optionalText("after") ?? "")
        while found.count < limit {
            let start = after
            let page = try await stored { () async throws(StoreError) in
                try await core.store.agents(after: start, limit: Int(Self.mostListed))
            }
            found += page.filter { record in
                (tier == nil || record.tier.rawValue == tier)
                    && (capability == nil || record.capabilities.contains { $0.lowercased() == capability })
            }
            guard page.count == Self.mostListed, let last = page.last else { break }
            after = last.name
        }
        return answer(Array(found.prefix(Int(limit))), exchange)
    }

    private func search(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        try await core.access.requireOperator(exchange)
        var query = QueryFields(exchange.address)
        let text = query.text("q")
        let limit = query.integer("limit", in: 1...Self.mostListed) ?? 100
        try query.check()
        let found = try await stored { () async throws(StoreError) in
            try await core.store.searchAgents(text, limit: Int(limit))
        }
        return answer(found, exchange)
    }

    /// An object of names, as a list would break a client.
    private func answer(_ records: [AgentRecord], _ exchange: Exchange) -> HubReply {
        let base = base(exchange)
        var domains = JSONObject()
        for record in records { domains[record.name + ".aint"] = .object(RecordAnswers.record(record, base: base)) }
        return HubReply(["domains": .object(domains), "count": .integer(records.count)])
    }

    // MARK: - Changes

    private func register(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let agent = fields.agent("agent")
        let isOpen = core.configuration.isOpen
        let key =
            isOpen && !fields.has("public_key")
            ? nil : fields.parsed("public_key", "an Ed25519 key") { PublicKey(anySpelling: $0) }
        var record = AgentRecord(name: agent, publicKey: key)
        record.endpoint = fields.optionalText("endpoint")
        record.iPoll = fields.optionalText("i_poll")
        record.routes = fields.optionalTexts("routes") ?? []
        record.capabilities = fields.optionalTexts("capabilities") ?? []
        record.description = fields.optionalText("description")
        record.owner = fields.optionalText("owner")
        if agent == Access.administrator { fields.refuse("agent", "Input should not be the administrators' name") }
        if record.routes.count > 32 || record.capabilities.count > 32 {
            fields.refuse("routes", "Input should have at most 32 routes and 32 capabilities")
        }
        try fields.check()
        if let key, !isOpen || Access.isSigned(exchange.head.headerFields) {
            let signer = try await core.access.proof(of: exchange, by: key)
            guard signer == agent else { throw Access.forbidden(agent) }
        }
        record.tier = key == nil ? .sandbox : .registered
        return try await store(record, exchange)
    }

    private func registerWithoutKey(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let agent = fields.agent("agent_id")
        var record = AgentRecord(name: agent, publicKey: nil, tier: .sandbox)
        record.description = fields.optionalText("description")
        record.capabilities = fields.optionalTexts("capabilities") ?? ["push", "pull"]
        if agent == Access.administrator { fields.refuse("agent_id", "Input should not be the administrators' name") }
        try fields.check()
        guard core.configuration.isOpen else {
            throw HubFault(
                .forbidden, "names are registered with a key here: POST /api/ains/register", code: "key_needed")
        }
        _ = try await store(record, exchange)
        return HubReply(["status": "sandbox_approved", "tier": "sandbox", "agent_id": .text(agent)])
    }

    private func store(_ record: AgentRecord, _ exchange: Exchange) async throws(HubFault) -> HubReply {
        try await core.room.checkDisk(exchange.body.count, core.configuration.isOpen ? .none : .unproven)
        let made = try await stored { () async throws(StoreError) in
            try await core.store.register(record, droppingEarlier: !core.configuration.isOpen)
        }
        let kept = try await stored { () async throws(StoreError) in try await core.store.agent(record.name) }
        core.metrics.add("registrations")
        var answer = RecordAnswers.resolved(kept ?? record, base: base(exchange))
        answer["registered"] = .bool(made == .created)
        return HubReply(made == .created ? .created : .ok, answer)
    }

    private func rotate(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let agent = fields.agent("agent")
        let new = fields.parsed("new_public_key", "an Ed25519 key") { PublicKey(anySpelling: $0) }
        let proof = fields.parsed("proof", "128 hexadecimal digits") { Signature(hex: $0.lowercased()) }
        try fields.check()
        guard let new, let proof else { return HubReply([:]) }
        try core.access.require(agent, try await core.access.caller(of: exchange))
        let record = try await stored { () async throws(StoreError) in try await core.store.agent(agent) }
        guard let old = record?.publicKey else { throw HubFault(.unknownAgent(agent)) }
        // Also at an open hub: nobody may take a name away by giving it a key that they do not have.
        guard new.verifies(proof, over: Self.succession(agent, from: old, to: new)) else {
            throw HubFault(.forbidden, "the proof is not by the new key over this succession", code: "bad_proof")
        }
        let changed = try await stored { () async throws(StoreError) in
            try await core.store.rotate(agent: agent, from: old, to: new)
        }
        return HubReply(RecordAnswers.resolved(changed, base: base(exchange)))
    }

    /// What the new key signs.
    static func succession(_ agent: String, from old: PublicKey, to new: PublicKey) -> [UInt8] {
        Array("TIBET-ROTATE-V1\n\(agent)\n\(old.hex)\n\(new.hex)".utf8)
    }

    private func setSuspended(_ isSuspended: Bool, _ exchange: Exchange) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let agent = fields.agent("agent")
        let reason = fields.optionalText("reason")
        try fields.check()
        let caller = try await core.access.caller(of: exchange, evenSuspended: !isSuspended)
        let record = try await stored { () async throws(StoreError) in try await core.store.agent(agent) }
        guard let record else { throw HubFault(.unknownAgent(agent)) }
        if case .administrator = caller {
        } else {
            try core.access.require(agent, caller)
            // What an administrator has done, only an administrator undoes.
            if !isSuspended, record.suspensionReason?.hasPrefix(Self.byAdministrator) == true,
                !core.configuration.isOpen
            {
                throw HubFault(.forbidden, "'\(agent)' was suspended by an administrator", code: "suspended")
            }
        }
        let told: String?
        if case .administrator = caller {
            told = Self.byAdministrator + (reason ?? "no reason given")
        } else {
            told = reason
        }
        let changed = try await stored { () async throws(StoreError) in
            try await core.store.setSuspended(isSuspended, agent: agent, reason: isSuspended ? told : nil)
        }
        return HubReply(RecordAnswers.resolved(changed, base: base(exchange)))
    }

    /// No question that a machine asks tells whom to trust.
    private static let noQuestions = HubFault(
        .forbidden, "tiers are set by the hub's administrator: POST /api/ains/grant", code: "administrator")

    private static let byAdministrator = "administrator: "

    private func grant(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let agent = fields.agent("agent")
        let tier = fields.parsed("tier", "sandbox, registered, verified or core") { Tier(rawValue: $0) }
        let trust = fields.optionalNumber("trust_score", in: 0...1)
        try fields.check()
        guard let tier else { return HubReply([:]) }
        switch try await core.access.caller(of: exchange) {
        case .anybody, .administrator: break
        case .unsigned: throw Access.unauthorized("this needs a signature by an administrator")
        case .agent: throw Access.forbidden(Access.administrator)
        }
        let record = try await stored { () async throws(StoreError) in try await core.store.agent(agent) }
        guard let record else { throw HubFault(.unknownAgent(agent)) }
        let changed = try await stored { () async throws(StoreError) in
            try await core.store.grant(agent: agent, tier: tier, trustScore: trust ?? record.trustScore)
        }
        return HubReply(RecordAnswers.resolved(changed, base: base(exchange)))
    }
}
