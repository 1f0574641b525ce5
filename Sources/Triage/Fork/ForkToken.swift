package import Fabric

/// A fork token: what somebody says who hands work over, for whoever goes on with it (`triage.md`, section 2).
///
/// A value of this type has the right shape. Nothing in it is believed: `ForkExamination` says what holds. Every key is
/// kept as it was read, in its place, those included that only others know; a key that is missing stays missing.
package struct ForkToken: Sendable {
    /// The fields as they are in the file.
    package private(set) var fields: JSONObject
    /// What stood around them in the file; nil where nothing did.
    package let wrapper: JSONObject?

    /// The text fields in the order of the peers' files, with what an absent one means.
    static let texts: [(key: String, absent: String)] = [
        ("fork_id", ""), ("parent_hash", ""), ("parent_stack_hash", ""), ("continuation_point", ""),
        ("intent_snapshot", ""), ("active_memory_hash", ""), ("memory_ref", ""),
        ("fork_type", ForkType.script.rawValue), ("actor_from", ""), ("actor_to", ""), ("actor_handoff", ""),
        ("forked_at", ""), ("expires_at", ""), ("fork_hash", ""),
    ]

    static let objects = ["capability_required", "metadata", "partial_layers"]

    /// The most bytes of the fields that people write.
    package static let longestText = 256 << 10
    /// The most bytes of the other texts: names, hashes, times, types.
    package static let longestName = 4096
    private static let written: Set = ["intent_snapshot", "continuation_point"]

    /// A token from its fields.
    ///
    /// - Throws: `wrongKind` for a field that peers know and that is something else here; `tooLong` for a text beyond
    ///   its limit.
    package init(fields: JSONObject, wrapper: JSONObject? = nil) throws(ForkFault) {
        for (key, _) in Self.texts {
            guard let value = fields[key] else { continue }
            guard let text = value.text else { throw .wrongKind(field: key, wanted: "a text") }
            let limit = Self.written.contains(key) ? Self.longestText : Self.longestName
            guard text.utf8.count <= limit else { throw .tooLong(field: key, limit: limit) }
        }
        for key in Self.objects {
            guard let value = fields[key], !value.isNull else { continue }
            guard value.object != nil else { throw .wrongKind(field: key, wanted: "an object") }
        }
        self.fields = fields
        self.wrapper = wrapper
    }

    private func text(_ key: String) -> String {
        fields[key]?.text ?? Self.texts.first { $0.key == key }?.absent ?? ""
    }

    /// What it is called; empty where it has no name. Chosen by the sender: never part of a path as it is.
    package var id: String { text("fork_id") }
    /// The hash of the state that it comes from.
    package var parentHash: String { text("parent_hash") }
    /// The hash of the stack that it comes from.
    package var parentStackHash: String { text("parent_stack_hash") }
    /// Where to go on, for example `L4:post_result`.
    package var continuationPoint: String { text("continuation_point") }
    /// What all of this is for.
    package var intent: String { text("intent_snapshot") }
    /// The hash of what the sender had in mind.
    package var memoryHash: String { text("active_memory_hash") }
    /// Where that lies, by the sender's word. Never opened.
    package var memoryReference: String { text("memory_ref") }
    /// The type as it is spelled.
    package var typeName: String { text("fork_type") }
    /// The type; nil for one that nobody knows.
    package var type: ForkType? { ForkType(rawValue: typeName) }
    /// Who hands over.
    package var actorFrom: String { text("actor_from") }
    /// Who is to go on; empty for anybody.
    package var actorTo: String { text("actor_to") }
    /// Both in one line, which is what the hash covers.
    package var handoff: String { text("actor_handoff") }
    /// When it was handed over, by the sender's clock.
    package var forkedAt: String { text("forked_at") }
    /// When it is not to be taken up any more; empty for never.
    package var expiresAt: String { text("expires_at") }
    /// What whoever goes on must be able to do.
    package var requirements: JSONObject { fields["capability_required"]?.object ?? [:] }
    /// Whatever else the sender wrote.
    package var metadata: JSONObject { fields["metadata"]?.object ?? [:] }
    /// The layers of the stack that it comes from.
    package var layers: JSONObject { fields["partial_layers"]?.object ?? [:] }
    /// The hash that it says it has; nil where it says none.
    package var statedHash: String? { text("fork_hash").isEmpty ? nil : text("fork_hash") }
    /// The digest over everything that it says it has; nil where it says none, as peers do.
    package var statedFullHash: String? { metadata["full_hash"]?.text }

    /// The same token with both hashes as they are computed from its content.
    package func hashed() -> ForkToken {
        var token = self
        var metadata = metadata
        metadata["full_hash"] = .text(fullHash)
        token.fields["metadata"] = .object(metadata)
        token.fields["fork_hash"] = .text(hash)
        return token
    }
}
