internal import Fabric

/// The hashes of a token, over JSON as Python writes it with sorted keys (`triage.md`, sections 1 and 2).
extension ForkToken {
    private static let hashedKeys = [
        "fork_id", "parent_hash", "parent_stack_hash", "continuation_point", "intent_snapshot", "active_memory_hash",
        "actor_handoff", "fork_type",
    ]

    /// What the peers' hash is made over: eight of the fields. Expiry, requirements, actors and layers are not among
    /// them.
    package var hashInput: String {
        var object = JSONObject()
        for (key, absent) in Self.texts where Self.hashedKeys.contains(key) {
            object[key] = fields[key] ?? .text(absent)
        }
        return JSONValue.object(object).text(.sortedPython)
    }

    /// The peers' hash, computed.
    package var hash: String { "fork:" + Digest(of: hashInput.utf8).hex }

    /// The digest over the whole token but its two hashes, computed. Peers carry it along in `metadata` and do not look
    /// at it.
    package var fullHash: String {
        var object = fields
        object["fork_hash"] = nil
        if var metadata = object["metadata"]?.object {
            metadata["full_hash"] = nil
            object["metadata"] = .object(metadata)
        } else {
            // Peers write the object where it was missing.
            object["metadata"] = [:]
        }
        return "full:" + Digest(of: JSONValue.object(object).text(.sortedPython).utf8).hex
    }
}
