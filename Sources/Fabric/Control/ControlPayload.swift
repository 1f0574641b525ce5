/// The small JSON object inside an acknowledgement or a heartbeat, written as the peers write theirs: `", "` and `": "`
/// between things, and nothing but ASCII (`daemon.md`, section 14).
public struct ControlPayload: Sendable, Equatable {
    /// The object.
    public let text: String
    /// What the envelope is about, as its surface says.
    public let context: String
    /// What the peers' names of such a content begin with.
    private let stem: String

    private init(_ fields: [(key: String, value: String)], stem: String, context: String) {
        text = "{" + fields.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
        self.stem = stem
        self.context = context
    }

    /// What `tcd ack` seals. The last two keys, which peers do not know, say which envelope is meant beyond its name.
    public static func acknowledgement(
        of referenced: ReferencedEnvelope, note: String, at moment: Timestamp
    ) -> ControlPayload {
        var fields = [
            ("kind", quote("ack")), ("version", quote("v0.5.8")), ("referenced", quote(referenced.name)),
            ("ack_timestamp_iso", quote(moment.iso8601)), ("ack_note", quote(note)),
        ]
        if let transferID = referenced.transferID { fields.append(("referenced_tpid", quote(transferID.text))) }
        if let digest = referenced.digest { fields.append(("referenced_sha256", quote(digest.hex))) }
        return ControlPayload(fields, stem: "tcd-ack", context: "ack-of-\(referenced.shortID)")
    }

    /// What `tcd heartbeat` seals. The sequence number is `moment` in seconds since 1970.
    public static func heartbeat(_ kind: HeartbeatKind, note: String, at moment: Timestamp) -> ControlPayload {
        ControlPayload(
            [
                ("kind", quote("heartbeat")), ("version", quote("v0.6.3")), ("kind_detail", quote(kind.rawValue)),
                ("ts_iso", quote(moment.iso8601)), ("beat_seq", String(moment.seconds)), ("note", quote(note)),
            ], stem: "tcd-hb", context: "heartbeat-\(kind.rawValue)")
    }

    private static func quote(_ text: String) -> String { EscapedJSON.quote(text) }

    /// What to seal: this object, under a name as the peers' content has.
    public func input() -> SealInput {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789_")
        let random = String((0..<8).compactMap { _ in alphabet.randomElement() })
        return .text(text, name: "\(stem)-\(random).json")
    }
}

/// What a heartbeat tells (`daemon.md`, section 14).
public enum HeartbeatKind: String, Sendable, CaseIterable {
    /// The host lives.
    case liveness
    /// It goes down.
    case shutdown
    /// It goes down, and comes back.
    case reboot
    /// Something that sender and receiver agreed upon.
    case custom
}
