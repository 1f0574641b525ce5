internal import Fabric
internal import HTTPClient
internal import HubClient

/// One attempt to hand one envelope to our hub, which keeps it for the target until the target has it.
///
/// A small envelope goes in the frame, where the peers' consumers can read it; a large one beside it, as a blob. The
/// frame has an idempotency key, so that the hub knows it again when an answer was lost and the delivery is repeated.
struct HubDelivery: Sendable {
    let envelope: SealedEnvelope
    let route: Route
    let conversation: MuxConversation
    let features: HubFeatures

    private var client: HubClient { conversation.client }

    func run(reporting progress: DeliveryProgress) async throws(CarrierError) -> DeliveryReceipt {
        progress.advance(to: 0)
        if EnvelopePayload.fits(envelope, features), let receipt = try await sendInline(reporting: progress) {
            return receipt
        }
        let upload = BlobUpload(envelope, for: conversation.target, by: client)
        let outcome = try await upload.run { progress.advance(to: $0) }
        let sent = try await send(EnvelopePayload.reference(envelope, outcome.blob))
        return try receipt(sent, farDigest: envelope.digest, resumedFrom: outcome.resumedFrom, progress)
    }

    /// Sends the envelope in the frame; nil when the hub would rather have it beside it.
    private func sendInline(reporting progress: DeliveryProgress) async throws(CarrierError) -> DeliveryReceipt? {
        let bytes = try await SourceReader(envelope).piece(at: 0, atMost: Int(envelope.size))
        guard Digest(of: bytes) == envelope.digest else { throw MuxConversation.otherBytes(client) }
        let sent = try await send(EnvelopePayload.inline(envelope, bytes))
        guard sent.answer.status != 413 else { return nil }
        return try receipt(sent, farDigest: nil, resumedFrom: 0, progress)
    }

    /// Opens a channel, sends one frame, and closes the channel, which keeps its frame.
    private func send(_ payload: JSONValue) async throws(CarrierError) -> Sent {
        let channel = try await conversation.open()
        let outcome: Result<HubAnswer, CarrierError>
        do throws(CarrierError) {
            outcome = .success(
                try await client.ask(
                    .post, "/api/mux/send", ["channel_id": .text(channel), "payload": payload],
                    headers: [("Idempotency-Key", idempotencyKey)]))
        } catch {
            outcome = .failure(error)
        }
        // The answer to an earlier attempt names the channel of that attempt, and this one stays empty.
        let holdsIt = (try? outcome.get()).map {
            (200..<300).contains($0.status) && !$0.wasReplayed && $0.json?["channel_id"]?.text == channel
        }
        if holdsIt != true || !conversation.configuration.keepsOpen {
            await conversation.close(channel, because: holdsIt == true ? Self.done : "continuityd_send_failed")
        }
        return Sent(answer: try outcome.get(), wasDuplicate: holdsIt == false)
    }

    /// What the peers' senders say.
    private static let done = "continuityd_send_done"

    private struct Sent {
        let answer: HubAnswer
        /// Whether the hub has had the frame since an earlier attempt.
        let wasDuplicate: Bool
    }

    private func receipt(
        _ sent: Sent, farDigest: Digest?, resumedFrom: Int64, _ progress: DeliveryProgress
    ) throws(CarrierError) -> DeliveryReceipt {
        let json = try client.object(sent.answer)
        guard json["delivered"]?.bool == true else { throw client.unexpected("does not say that the frame was taken") }
        progress.finish()
        return DeliveryReceipt(
            strength: .accepted, route: route, storedName: nil, farDigest: farDigest,
            wasDuplicate: sent.wasDuplicate, resumedFrom: resumedFrom)
    }

    /// The same for the same bytes under the same name to the same target with the same intent, whoever tries again.
    private var idempotencyKey: String {
        let parts = [
            "tibet-mux-1", envelope.digest.hex, envelope.name.text, conversation.target.name,
            conversation.configuration.intent,
        ]
        return Digest(of: parts.joined(separator: "\n").utf8).hex
    }
}
