internal import Fabric
internal import HTTPClient
internal import HubClient

/// One attempt to hand one envelope to a peer's server (`mux.md`, sections 5 and 5.3): open, one frame, close.
///
/// The server holds the frame in its memory and no more. The channel is closed from here after its receiver has closed
/// it, or after a time, and whenever something goes wrong.
struct PeerDelivery: Sendable {
    let envelope: SealedEnvelope
    let route: Route
    let conversation: MuxConversation

    private var client: HubClient { conversation.client }
    private var configuration: MuxCarrierConfiguration { conversation.configuration }

    func run(reporting progress: DeliveryProgress) async throws(CarrierError) -> DeliveryReceipt {
        let policy = IntentPolicy(of: configuration.intent)
        let length = EnvelopePayload.length(name: envelope.name, size: envelope.size)
        if let limit = policy.largestFrame, length > limit { throw tooLarge(limit) }
        let source = try await checkedSource()
        progress.advance(to: 0)
        let channel = try await conversation.open()
        do throws(CarrierError) {
            try await send(source, to: channel, length, policy, reporting: progress)
        } catch {
            await conversation.close(channel, because: "continuityd_send_failed")
            throw error
        }
        if !configuration.keepsOpen {
            await waitForReceiver(of: channel)
            await conversation.close(channel)
        }
        progress.finish()
        return DeliveryReceipt(strength: .accepted, route: route, storedName: nil, farDigest: nil)
    }

    /// The bytes, of which no one further on would notice that they are others.
    private func checkedSource() async throws(CarrierError) -> any EnvelopeSource {
        let reader = try await SourceReader(envelope)
        var hasher = DigestHasher()
        var offset: Int64 = 0
        var small: [UInt8]?
        while offset < envelope.size {
            let piece = try await reader.piece(at: offset, atMost: HubBlob.usualPiece)
            piece.withUnsafeBytes { hasher.update($0) }
            offset += Int64(piece.count)
            small = piece.count == envelope.size ? piece : nil
        }
        guard hasher.finish() == envelope.digest else { throw MuxConversation.otherBytes(client) }
        return small.map { HeldBytes(bytes: $0) } ?? reader.source
    }

    /// Sends the frame; once more when the server asks for patience with one that it can take.
    private func send(
        _ source: any EnvelopeSource, to channel: String, _ length: Int64, _ policy: IntentPolicy,
        reporting progress: DeliveryProgress
    ) async throws(CarrierError) {
        var answer = try await sendOnce(source, to: channel, reporting: progress)
        if answer.status == 409 {
            let state = try await conversation.look(at: channel)
            guard state.isOpen else {
                throw CarrierError(
                    .refused, .retry(after: nil), "\(client.purpose): somebody closed the channel before the frame came"
                )
            }
            try await pause(Self.waitingTime(length, tokens: state.tokens, rate: policy.rate))
            answer = try await sendOnce(source, to: channel, reporting: progress)
            guard answer.status != 409 else {
                throw CarrierError(
                    .throttled, .retry(after: nil), "\(client.purpose): the server takes no more for now")
            }
        }
        if answer.status == 404 {
            throw CarrierError(
                .unreachable, .retry(after: nil), "\(client.purpose): the server forgot the channel, as after a restart"
            )
        }
        let json = try client.object(answer)
        guard json["delivered"]?.bool == true, json["channel_id"]?.text == channel else {
            throw client.unexpected("does not say that the frame was taken")
        }
    }

    private func sendOnce(
        _ source: any EnvelopeSource, to channel: String, reporting progress: DeliveryProgress
    ) async throws(CarrierError) -> HubAnswer {
        let frame = EncodedFrame(channel: channel, name: envelope.name, size: envelope.size, source: source)
        return try await client.stream(
            .post, "/api/mux/send", contentType: "application/json",
            body: OutgoingRequest.Body(source: frame, start: 0, count: frame.count),
            progress: { progress.advance(to: frame.envelopeBytes(in: $0)) })
    }

    /// How long until the bucket of the channel holds enough for a frame: whole seconds, at most a minute.
    static func waitingTime(_ length: Int64, tokens: Double?, rate: Int64) -> Duration {
        guard rate > 0 else { return .seconds(1) }
        let missing = Double(length) - max(0, tokens ?? 0)
        return .seconds(min(60, max(1, Int64(clamping: (missing / Double(rate)).rounded(.up)))))
    }

    /// Returns when the channel was closed by its receiver, or the time is over. The frame is sent whatever happens.
    private func waitForReceiver(of channel: String) async {
        let end = ContinuousClock.now + configuration.closingTime
        var step = Duration.milliseconds(100)
        while ContinuousClock.now < end {
            guard let state = try? await conversation.look(at: channel), state.isOpen else { return }
            do { try await Task.sleep(for: min(step, end - .now)) } catch { return }
            step = min(step * 2, .milliseconds(500))
        }
    }

    private func pause(_ time: Duration) async throws(CarrierError) {
        do { try await Task.sleep(for: time) } catch { throw MuxConversation.cancelled(client) }
    }

    private func tooLarge(_ limit: Int64) -> CarrierError {
        let bytes = EnvelopePayload.largestEnvelope(name: envelope.name, within: limit)
        return CarrierError(
            .tooLarge(limit: bytes), .tryNextRoute,
            "\(client.purpose): the envelope has \(envelope.size) bytes, and this server takes at most \(bytes) "
                + "under this name with the intent '\(configuration.intent)'",
            remedy: "send it another way, or with --mux-intent stream if the receiver asks for that intent")
    }
}

/// An envelope that is small enough to be in memory.
private struct HeldBytes: EnvelopeSource {
    let bytes: [UInt8]

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        guard offset >= 0, offset < Int64(bytes.count) else { return 0 }
        let rest = bytes[Int(offset)...].prefix(buffer.count)
        buffer.copyBytes(from: rest)
        return rest.count
    }
}
