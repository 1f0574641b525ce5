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
        let answer = try await send(EnvelopePayload.reference(envelope, outcome.blob))
        return try receipt(answer, farDigest: envelope.digest, resumedFrom: outcome.resumedFrom, progress)
    }

    /// Sends the envelope in the frame; nil when the hub would rather have it beside it.
    private func sendInline(reporting progress: DeliveryProgress) async throws(CarrierError) -> DeliveryReceipt? {
        let bytes = try await SourceReader(envelope).piece(at: 0, atMost: Int(envelope.size))
        guard Digest(of: bytes) == envelope.digest else { throw MuxConversation.otherBytes(client) }
        let answer = try await send(EnvelopePayload.inline(envelope, bytes))
        guard answer.status != 413 else { return nil }
        return try receipt(answer, farDigest: nil, resumedFrom: 0, progress)
    }

    /// Sends one frame in a channel of its own.
    ///
    /// Whoever tries again makes the same two requests with the same keys, so the hub gives the answers of the first time.
    /// When it cannot, because the channel was closed before the frame came, or because the first blob is gone, another
    /// frame is sent, of which the receiver's lane finds that it is a duplicate if it is one.
    private func send(_ payload: JSONValue) async throws(CarrierError) -> HubAnswer {
        let answer = try await send(payload, inChannelOf: idempotencyKey("open"), as: { _ in idempotencyKey("send") })
        guard answer.status == 409, answer.code != "blob_incomplete" else { return answer }
        return try await send(payload, inChannelOf: nil, as: { idempotencyKey("send in " + $0) })
    }

    /// Opens a channel, sends one frame, and closes the channel, which keeps its frame.
    private func send(
        _ payload: JSONValue, inChannelOf key: String?, as frameKey: @Sendable (_ channel: String) -> String
    ) async throws(CarrierError) -> HubAnswer {
        let channel = try await conversation.open(idempotencyKey: key)
        let outcome: Result<HubAnswer, CarrierError>
        do throws(CarrierError) {
            outcome = .success(
                try await client.ask(
                    .post, "/api/mux/send", ["channel_id": .text(channel), "payload": payload],
                    headers: [("Idempotency-Key", frameKey(channel))]))
        } catch {
            outcome = .failure(error)
        }
        let isSent = (try? outcome.get()).map { (200..<300).contains($0.status) } ?? false
        if !isSent || !conversation.configuration.keepsOpen {
            await conversation.close(channel, because: isSent ? "continuityd_send_done" : "continuityd_send_failed")
        }
        return try outcome.get()
    }

    private func receipt(
        _ answer: HubAnswer, farDigest: Digest?, resumedFrom: Int64, _ progress: DeliveryProgress
    ) throws(CarrierError) -> DeliveryReceipt {
        let json = try client.object(answer)
        guard json["delivered"]?.bool == true else { throw client.unexpected("does not say that the frame was taken") }
        progress.finish()
        return DeliveryReceipt(
            strength: .accepted, route: route, storedName: nil, farDigest: farDigest,
            wasDuplicate: answer.wasReplayed, resumedFrom: resumedFrom)
    }

    /// The same for the same step with the same bytes under the same name to the same target, whoever tries again.
    private func idempotencyKey(_ step: String) -> String {
        let parts = [
            "tibet-mux-1", step, envelope.digest.hex, envelope.name.text, conversation.target.name,
            conversation.configuration.intent, String(conversation.configuration.keepsOpen),
        ]
        return Digest(of: parts.joined(separator: "\n").utf8).hex
    }
}
