internal import Fabric

/// The shapes of the reference server's answers (`mux.md`, section 2).
enum MuxAnswers {
    /// One frame, with what only we say of it after that.
    static func frame(_ frame: Frame, additions: JSONObject = [:]) -> String {
        var json = JSONText()
        json.add("seq", .integer(frame.sequence))
        json.add("payload", raw: frame.payload)
        json.add("timestamp", .text(frame.timestamp.iso8601Microseconds))
        json.add("tbz_hash", .text(frame.hash))
        json.add("intent", .text(frame.intent))
        json.add("channel_id", .text(frame.channel))
        json.add(frame.proof.json)
        json.add(additions)
        return json.text
    }

    /// What a hint says of a frame.
    static func hint(_ frame: Frame) -> JSONObject {
        var hint: JSONObject = [
            "channel_id": .text(frame.channel), "seq": .integer(frame.sequence), "intent": .text(frame.intent),
        ]
        for (key, value) in frame.proof.json.members { hint[key] = value }
        return hint
    }

    /// One frame under a lease.
    static func leased(_ lease: Lease<Frame>) -> String {
        frame(
            lease.item,
            additions: [
                "agent": .text(lease.item.agent), "target": .text(lease.item.target), "lease_id": .text(lease.id),
                "lease_until": .text(lease.until.iso8601Microseconds), "deliveries": .integer(lease.item.deliveries),
            ])
    }

    /// A channel as by-target lists it.
    static func listedToTarget(_ channel: Channel) -> JSONValue {
        [
            "id": .text(channel.id), "agent": .text(channel.agent), "target": .text(channel.target),
            "intent": .text(channel.intent), "state": .text(state(channel)),
            "opened_at": .text(channel.openedAt.iso8601Microseconds),
            "last_activity": .text(channel.lastActivity.iso8601Microseconds),
            "frames_sent": .integer(channel.frames), "bytes_transferred": .integer(channel.bytes),
        ]
    }

    /// A channel as the list of an agent's own has it.
    static func listedToOpener(_ channel: Channel) -> JSONValue {
        [
            "id": .text(channel.id), "target": .text(channel.target), "intent": .text(channel.intent),
            "route": Intent(channel.intent).route, "opened_at": .text(channel.openedAt.iso8601Microseconds),
            "last_activity": .text(channel.lastActivity.iso8601Microseconds),
            "frames_sent": .integer(channel.frames), "bytes_transferred": .integer(channel.bytes),
        ]
    }

    /// Everything about a channel but its frames.
    static func whole(_ channel: Channel, chain: [String], bandwidth: JSONValue) -> JSONText {
        var json = JSONText()
        json.add([
            "id": .text(channel.id), "agent": .text(channel.agent), "target": .text(channel.target),
            "intent": .text(channel.intent), "route": Intent(channel.intent).route, "state": .text(state(channel)),
        ])
        json.add("metadata", raw: channel.metadata ?? "{}")
        json.add([
            "opened_at": .text(channel.openedAt.iso8601Microseconds),
            "closed_at": .text(channel.closedAt?.iso8601Microseconds ?? ""),
            "last_activity": .text(channel.lastActivity.iso8601Microseconds),
            "frames_sent": .integer(channel.frames), "frames_received": 0,
            "bytes_transferred": .integer(channel.bytes), "tbz_chain": .texts(chain), "bandwidth": bandwidth,
        ])
        return json
    }

    static func state(_ channel: Channel) -> String { channel.isOpen ? "open" : "closed" }
}
