internal import CarrierIPoll
internal import Fabric
internal import HubClient
internal import Triage

/// Sends forks and answers as messages over I-Poll, in the peers' own form.
struct ForkPost: Sendable {
    /// Who signs requests, and how they are made.
    let configuration: IPollConfiguration

    /// Sends a fork as a message, and its file after it, as the peers do. The message alone counts: a file that does not
    /// come over is a note.
    ///
    /// - Parameter bytes: The token's file.
    /// - Returns: The hub's name for the message.
    func send(_ delivery: ForkDelivery, bytes: [UInt8], hub: String, key: String) async throws(CarrierError) -> String {
        let client = try client(at: hub, as: delivery.sender)
        var poll = OutgoingPoll(
            to: try Self.agent(delivery.receiver), delivery.content, type: .task, metadata: delivery.metadata)
        poll.idempotencyKey = key
        let receipt = try await client.push(poll)
        do throws(CarrierError) {
            try await client.pushFile(
                delivery.fileName, bytes, to: poll.recipient, description: delivery.fileDescription,
                messageID: receipt.id)
        } catch {
            Terminal.note("the message is delivered; the file that goes after it is not: \(error)")
        }
        return receipt.id
    }

    /// Sends an answer.
    ///
    /// - Returns: The hub's name for the message.
    func send(_ answer: ForkAnswer, to receiver: String, hub: String) async throws(CarrierError) -> String {
        let client = try client(at: hub, as: answer.resumedBy)
        return try await client.push(
            OutgoingPoll(
                to: try Self.agent(receiver), answer.content(at: .now()), type: .ack, metadata: answer.metadata)
        ).id
    }

    /// The client at `hub` in the name of `agent`.
    func client(at hub: String, as agent: String) throws(CarrierError) -> IPollClient {
        try IPollClient(
            server: try HubAddress(parsing: hub), agent: try Self.agent(agent), configuration: configuration)
    }

    /// The mailbox of that name.
    static func agent(_ name: String) throws(CarrierError) -> HubAgent {
        guard let agent = HubAgent(name) else {
            throw CarrierError(
                .misconfigured, .waitForPerson, "'\(name)' is no name of a mailbox",
                remedy: "use letters, digits, hyphens, underscores and dots")
        }
        return agent
    }
}
