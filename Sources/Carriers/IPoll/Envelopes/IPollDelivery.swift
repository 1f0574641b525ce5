internal import Fabric
internal import HubClient

/// One attempt to bring one envelope to one mailbox: the bytes first, and then the message that names them.
struct IPollDelivery: Sendable {
    let envelope: SealedEnvelope
    let route: Route
    let receiver: HubAgent
    let client: IPollClient
    let largestFile: Int64

    /// At our hub the bytes go in pieces, and from where an earlier attempt stopped; at others they go in one text.
    func deliver(reporting progress: DeliveryProgress) async throws(CarrierError) -> DeliveryReceipt {
        guard envelope.size > 0 else {
            throw CarrierError(
                .refused, .giveUp, "an envelope without bytes cannot be delivered over I-Poll", remedy: "seal it again")
        }
        return try await client.features().isHub ? viaBlob(progress) : viaFile(progress)
    }

    private func viaBlob(_ progress: DeliveryProgress) async throws(CarrierError) -> DeliveryReceipt {
        let upload = BlobUpload(envelope, for: receiver, by: hub)
        let outcome = try await upload.run { progress.advance(to: $0) }
        let receipt = try await announce("blob:" + outcome.blob.id, blob: outcome.blob.id)
        progress.finish()
        // The hub compared the digest of what it holds with ours before it called the blob complete. Under which name the
        // receiver will keep it nobody knows yet.
        return DeliveryReceipt(
            strength: .accepted, route: route, storedName: nil, farDigest: envelope.digest,
            wasDuplicate: receipt.isRepeated, resumedFrom: outcome.resumedFrom)
    }

    private func viaFile(_ progress: DeliveryProgress) async throws(CarrierError) -> DeliveryReceipt {
        guard envelope.size <= largestFile else {
            throw CarrierError(
                .tooLarge(limit: largestFile), .tryNextRoute,
                "\(hub.purpose): the server takes files only as one text, and this envelope of \(envelope.size) bytes "
                    + "is larger than the \(largestFile) bytes that are sent so",
                remedy: "send it by another way, or through a hub that takes pieces")
        }
        let file = try await FilePush(envelope, from: client.agent, to: receiver)
        progress.advance(to: 0)
        let id = try await client.fileID(for: file, hub.purpose)
        progress.advance(to: envelope.size)
        let receipt = try await announce("file:" + (id ?? envelope.name.text), blob: nil)
        progress.finish()
        return DeliveryReceipt(
            strength: .accepted, route: route, storedName: nil, farDigest: nil, wasDuplicate: receipt.isRepeated)
    }

    /// Sends the message that names the envelope. Sent again, it is the same message to our hub.
    private func announce(_ reference: String, blob: String?) async throws(CarrierError) -> PollReceipt {
        let key = [receiver.name, envelope.name.text, envelope.digest.hex].joined(separator: "\n")
        return try await client.push(
            OutgoingPoll(
                to: receiver, "sealed envelope \(envelope.name)",
                metadata: EnvelopeNotice.metadata(of: envelope, at: reference, blob: blob),
                idempotencyKey: "envelope-" + Digest(of: Array(key.utf8)).hex))
    }

    private var hub: HubClient { client.hub("cannot deliver to '\(receiver)'") }
}
