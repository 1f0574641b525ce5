package import Fabric

/// A fork as the message that the peers hand it over in (`ipoll.md`, section 8.1): a TASK whose metadata holds the token.
package struct ForkDelivery: Sendable {
    /// What is handed over.
    package let token: ForkToken
    /// The mailbox that it is sent from.
    package let sender: String
    /// The mailbox that it is sent to.
    package let receiver: String

    /// A message from its parts.
    package init(_ token: ForkToken, from sender: String, to receiver: String) {
        self.token = token
        self.sender = sender
        self.receiver = receiver
    }

    /// The kind of message.
    package static let pollType = "TASK"

    /// What people see of it.
    package var content: String {
        var lines = [
            "UPIP FORK TOKEN — \(token.handoff)", "", "Fork ID: \(token.id)", "Type: \(token.typeName)",
            "Intent: \(token.intent)", "Continue at: \(token.continuationPoint)", "Memory hash: \(token.memoryHash)",
        ]
        if !token.requirements.members.isEmpty {
            lines.append("Requirements: \(JSONValue.object(token.requirements).text(.python))")
        }
        lines += ["", "To resume:", "  tibet-triage upip-resume <fork.json> -- <command>", ""]
        return (lines + ["Fork hash: \(token.hash)"]).joined(separator: "\n")
    }

    /// What programs read of it. The hash is computed, as the peers compute it.
    package var metadata: JSONObject {
        var data = token.fields
        data["fork_hash"] = data["fork_hash"] ?? .text(token.hash)
        return [
            "upip_fork": true, "fork_id": .text(token.id), "fork_hash": .text(token.hash),
            "fork_type": .text(token.typeName), "continuation_point": .text(token.continuationPoint),
            "actor_handoff": .text(token.handoff), "fork_data": .object(data),
        ]
    }

    /// The body of the request that sends it.
    package var body: JSONObject {
        [
            "from_agent": .text(sender), "to_agent": .text(receiver), "content": .text(content),
            "poll_type": .text(Self.pollType), "metadata": .object(metadata),
        ]
    }

    /// What the file that follows the message is called, and said to be.
    package var fileName: String { "\(token.id).fork.json" }
    package var fileDescription: String { "UPIP Fork Token: \(token.intent)" }

    /// The body of the request that sends the token's file after the message, as the peers do.
    ///
    /// - Parameter base64: The bytes of the file.
    package func fileBody(base64: String, messageID: String) -> JSONObject {
        [
            "from_agent": .text(sender), "to_agent": .text(receiver), "filename": .text(fileName),
            "data_base64": .text(base64), "description": .text(fileDescription), "poll_id": .text(messageID),
        ]
    }
}
