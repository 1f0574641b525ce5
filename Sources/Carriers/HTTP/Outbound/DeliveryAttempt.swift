internal import Fabric
internal import HTTPClient

/// One attempt to bring one envelope to one inbox.
struct DeliveryAttempt: Sendable {
    let envelope: SealedEnvelope
    let source: any EnvelopeSource
    let requests: RouteRequests
    let configuration: HTTPCarrierConfiguration

    /// Delivers in one piece, or from where an earlier attempt stopped.
    func deliver(reporting progress: DeliveryProgress) async throws(CarrierError) -> DeliveryReceipt {
        try await SourcePrefix.check(source, size: envelope.size)
        progress.advance(to: 0)
        if envelope.size >= configuration.resumeThreshold, let receipt = try await resume(reporting: progress) {
            return receipt
        }
        return try await post(reporting: progress)
    }

    /// The number of leading bytes that the far side holds and that are those of the envelope.
    func bytesHeld() async throws(CarrierError) -> Int64 {
        let id = UploadID.derive(name: envelope.name, digest: envelope.digest, size: envelope.size, owner: owner)
        let answer = try await requests.perform(
            .head, requests.address.upload(id), headers: identity(), storing: envelope.size)
        guard answer.status == 200 || answer.status == 204, let held = HeldPrefix(answer) else { return 0 }
        return try await usable(held)
    }

    /// Whose upload it is: the signing key's, or that of the sender that has the secret.
    private var owner: UploadOwner {
        if let key = configuration.signingKey { return .key(key.publicKey) }
        return UploadID.token(configuration.uploadSecret, base: requests.address.base, digest: envelope.digest)
    }

    /// `POST /inbox/<name>` with everything (`http-inbox.md`, section 2), which every inbox understands.
    private func post(reporting progress: DeliveryProgress) async throws(CarrierError) -> DeliveryReceipt {
        let digest = (FieldName.reprDigest, StructuredFields.text(of: envelope.digest))
        let answer = try await requests.perform(
            .post, requests.address.envelope(envelope.name),
            headers: [("Content-Type", "application/octet-stream"), digest] + identity(),
            body: OutgoingRequest.Body(source: source, start: 0, count: envelope.size), storing: envelope.size,
            progress: { progress.advance(to: $0) })
        return try receipt(answer, resumedFrom: 0, progress)
    }

    /// Goes on with an upload, or begins one; nil when the far side cannot do that, or will not now.
    private func resume(reporting progress: DeliveryProgress) async throws(CarrierError) -> DeliveryReceipt? {
        // Twice, because an upload may expire, or be finished by somebody else, between the two requests.
        for _ in 0..<2 {
            let opening = try await openUpload()
            if opening.status == 200, opening[FieldName.uploadComplete] == StructuredFields.text(of: true) {
                return try receipt(opening, resumedFrom: envelope.size, progress)
            }
            guard opening.status == 201, let held = HeldPrefix(opening),
                let id = opening["Location"].flatMap({ UploadID.parse(location: $0) })
            else { return nil }
            let start = try await usable(held)
            let answer = try await sendRest(of: id, from: start, reporting: progress)
            switch answer.status {
            case 404, 409: continue
            case 405, 415, 501: return nil
            default: return try receipt(answer, resumedFrom: start, progress)
            }
        }
        return nil
    }

    /// Announces the envelope. A peer answers 411 to this, as nothing comes with it.
    private func openUpload() async throws(CarrierError) -> Answer {
        var headers = [
            ("Content-Type", "application/octet-stream"),
            (FieldName.reprDigest, StructuredFields.text(of: envelope.digest)),
            (FieldName.uploadComplete, StructuredFields.text(of: false)),
            (FieldName.uploadLength, String(envelope.size)),
            (FieldName.uploadVersion, uploadInteropVersion),
        ]
        if case .token(let token) = owner { headers.append((FieldName.uploadToken, token)) }
        let answer = try await requests.perform(
            .post, requests.address.envelope(envelope.name), headers: headers + identity(), storing: envelope.size)
        switch answer.status {
        case 401, 403, 407, 413, 429: throw AnswerVerdict.error(answer, for: requests.route)
        case 300..<400, 500, 502...: throw AnswerVerdict.error(answer, for: requests.route)
        default: return answer
        }
    }

    private func sendRest(
        of id: String, from start: Int64, reporting progress: DeliveryProgress
    ) async throws(CarrierError) -> Answer {
        progress.advance(to: start)
        return try await requests.perform(
            .patch, requests.address.upload(id),
            headers: [
                ("Content-Type", partialUploadType),
                (FieldName.uploadOffset, String(start)),
                (FieldName.uploadComplete, StructuredFields.text(of: true)),
                (FieldName.uploadVersion, uploadInteropVersion),
            ] + identity(),
            body: OutgoingRequest.Body(source: source, start: start, count: envelope.size - start),
            storing: envelope.size, progress: { progress.advance(to: start + $0) })
    }

    /// How much of what the far side holds can stay: all of it, or nothing when it is not what the envelope begins with.
    private func usable(_ held: HeldPrefix) async throws(CarrierError) -> Int64 {
        guard held.count > 0, held.count <= envelope.size else { return 0 }
        let own =
            held.count == envelope.size
            ? envelope.digest : try await SourcePrefix.digest(source, first: held.count)
        if Task.isCancelled {
            throw CarrierError(.cancelled, .retry(after: nil), "the delivery was cancelled")
        }
        return own == held.digest ? held.count : 0
    }

    /// Who sends: a fresh signature over the whole envelope's digest, and the sender's own DID.
    private func identity() -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        if let key = configuration.signingKey {
            fields.append(("Authorization", Authorization(signing: envelope.digest, with: key).headerValue))
        }
        if let did = configuration.senderDID { fields.append((FieldName.senderDID, did)) }
        return fields
    }

    private func receipt(
        _ answer: Answer, resumedFrom start: Int64, _ progress: DeliveryProgress
    ) throws(CarrierError) -> DeliveryReceipt {
        let receipt = try AnswerReceipt.read(
            answer, for: envelope, along: requests.route, resumedFrom: start)
        progress.finish()
        return receipt
    }
}

/// What a far side says it holds of an upload.
private struct HeldPrefix {
    let count: Int64
    let digest: Digest?

    init?(_ answer: Answer) {
        guard let count = answer[FieldName.uploadOffset].flatMap({ StructuredFields.count(in: $0) }) else { return nil }
        self.count = count
        digest = answer[FieldName.prefixDigest].flatMap { StructuredFields.digest(in: $0) }
    }
}
