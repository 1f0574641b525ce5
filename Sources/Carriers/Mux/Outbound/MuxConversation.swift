internal import Fabric
internal import HTTPClient
internal import HubClient

/// The requests that both kinds of servers answer alike: open, close, look.
struct MuxConversation: Sendable {
    let client: HubClient
    let target: HubAgent
    let configuration: MuxCarrierConfiguration

    /// What a server says of a channel.
    struct ChannelState: Sendable {
        let isOpen: Bool
        /// How many characters may be sent now; nil where the server does not say.
        let tokens: Double?
    }

    /// Opens a channel to the target, and returns its id.
    ///
    /// - Parameter idempotencyKey: By which our hub knows the request again, and gives the same channel.
    func open(idempotencyKey: String? = nil) async throws(CarrierError) -> String {
        let answer = try await client.ask(
            .post, "/api/mux/open",
            [
                "agent": .text(client.agent?.name ?? ""), "target": .text(target.name),
                "intent": .text(configuration.intent),
                // The peers' own sender says so; ours says how the channel is meant beside it.
                "metadata": ["continuityd_version": "0.6.0", "keep_open": .bool(configuration.keepsOpen)],
            ], headers: idempotencyKey.map { [("Idempotency-Key", $0)] } ?? [])
        guard let channel = try client.object(answer)["channel_id"]?.text, Self.isChannel(channel) else {
            throw client.unexpected("opens a channel without an id")
        }
        return channel
    }

    /// Closes a channel, in a short time or not at all: what was sent stays sent, and whoever lost interest does not
    /// wait. Done even when the calling task was cancelled.
    func close(_ channel: String, because reason: String = "continuityd_send_done") async {
        let limit = min(client.stallTime, .seconds(2))
        let client = client
        await Task {
            _ = try? await client.ask(
                .post, "/api/mux/close", ["channel_id": .text(channel), "reason": .text(reason)], timeLimit: limit)
        }.value
    }

    /// Looks at a channel.
    func look(at channel: String) async throws(CarrierError) -> ChannelState {
        let state = try client.object(
            try await client.ask(.get, "/api/mux/channel/\(channel)", largestAnswer: configuration.largestFrame))
        return ChannelState(
            isOpen: state["state"]?.text == "open", tokens: state["bandwidth"]?["tokens_remaining"]?.double)
    }

    /// Whether `text` can be a channel's id, and with it a segment of a path.
    static func isChannel(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
    }

    /// The error for a caller who has lost interest.
    static func cancelled(_ client: HubClient) -> CarrierError {
        CarrierError(.cancelled, .retry(after: nil), "\(client.purpose): it was cancelled")
    }

    /// The error for a source that has changed since it was sealed.
    static func otherBytes(_ client: HubClient) -> CarrierError {
        CarrierError(
            .corrupted, .giveUp, "\(client.purpose): the envelope has not the digest that it was sealed with",
            remedy: "seal it again")
    }
}
