package import Fabric
internal import FoundationEssentials
internal import HTTPClient
package import HubClient

extension IPollClient {
    /// Brings a file to a server, which keeps it beside the message `messageID`: what the peers send after a fork
    /// (`ipoll.md`, section 8.1).
    package func pushFile(
        _ name: String, _ bytes: [UInt8], to recipient: HubAgent, description: String, messageID: String
    ) async throws(CarrierError) {
        _ = try await object(
            .post, "/file/push",
            [
                "from_agent": .text(agent.name), "to_agent": .text(recipient.name), "filename": .text(name),
                "data_base64": .text(Data(bytes).base64EncodedString()), "description": .text(description),
                "poll_id": .text(messageID),
            ], "cannot send the file '\(name)' to '\(recipient)'")
    }
}
