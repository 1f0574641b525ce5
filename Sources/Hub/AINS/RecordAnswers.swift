internal import Fabric

/// Records as every client reads them (`ains.md`, sections 3 and 4).
enum RecordAnswers {
    /// The answer about a name: 200 in either case, as every client copes with that.
    static func resolved(_ record: AgentRecord?, base: String) -> JSONObject {
        guard let record else { return ["status": "not_found"] }
        let fields = self.record(record, base: base)
        var answer: JSONObject = [
            "status": "found", "domain": .text(record.name + ".aint"), "record": .object(fields),
            "services": ["ipoll": .text(base + "/api/ipoll/push"), "mux": .text(base)],
            "endpoint": fields["endpoint"] ?? "", "capabilities": fields["capabilities"] ?? [],
        ]
        answer["public_key"] = fields["public_key"]
        return answer
    }

    /// One record.
    ///
    /// - Parameter base: Where this hub is, as its client reaches it.
    static func record(_ record: AgentRecord, base: String) -> JSONObject {
        // Whoever says nothing else is reached through this hub.
        let own = ["ipoll:\(base)#\(record.name)", "mux:\(base)#\(record.name)"]
        let routes = record.routes.isEmpty ? own : record.routes
        var fields: JSONObject = [
            "agent": .text(record.name), "domain": .text(record.name + ".aint"),
            "owner": .text(record.owner ?? "unknown"), "endpoint": .text(record.endpoint ?? ""),
            "i_poll": .text(record.iPoll ?? base + "/api/ipoll"), "mux": .text(base),
            "capabilities": .texts(record.capabilities), "routes": .texts(routes),
            "trust_score": JSONNumber(record.trustScore).map { .number($0) } ?? .null,
            "tier": .text(record.tier.rawValue), "status": record.isSuspended ? "suspended" : "active",
            "registered_at": .text(record.registeredAt.iso8601),
            "updated_at": .text(record.updatedAt.iso8601),
            "previous_keys": .texts(record.previousKeys.map(\.hex)),
        ]
        if let key = record.publicKey { fields["public_key"] = .text(key.hex) }
        if let description = record.description { fields["description"] = .text(description) }
        if let reason = record.suspensionReason { fields["suspension_reason"] = .text(reason) }
        return fields
    }
}
