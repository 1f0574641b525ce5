package import Fabric
internal import HTTPClient

/// Brings the bytes of one envelope to a hub, piece by piece, from where an earlier attempt stopped.
///
/// The hub names a blob by uploader, receiver, digest and size, so what it holds of one belongs to these very bytes, and
/// it checks the digest of all of them before it calls the blob complete. Each piece is signed with its SHA-256 where
/// requests are signed at all. One piece is in memory at a time.
package struct BlobUpload: Sendable {
    private let client: HubClient
    private let receiver: HubAgent
    private let envelope: SealedEnvelope

    /// What became of an upload.
    package struct Outcome: Sendable {
        /// The complete blob.
        package let blob: HubBlob
        /// The number of leading bytes that the hub held before.
        package let resumedFrom: Int64
    }

    /// An upload of `envelope` for `receiver`, in the name of the client's agent.
    package init(_ envelope: SealedEnvelope, for receiver: HubAgent, by client: HubClient) {
        self.client = client
        self.receiver = receiver
        self.envelope = envelope
    }

    /// Announces the envelope, and learns what the hub holds of it. Nothing else is sent.
    package func announce() async throws(CarrierError) -> HubBlob {
        let answer = try await client.ask(
            .post, "/api/blobs",
            [
                "agent": .text(uploader), "to": .text(receiver.name), "size_bytes": .integer(envelope.size),
                "digest": .text(envelope.digest.description), "name": .text(envelope.name.text),
            ])
        return try blob(client.object(answer))
    }

    /// Brings every byte that the hub does not hold.
    ///
    /// On return the hub holds all of it durably and has found the envelope's digest. On throw it may hold a part, with
    /// which the next attempt goes on; nobody else sees that.
    ///
    /// - Parameter progress: Told how many leading bytes the hub's system has taken, some of them durably.
    package func run(reporting progress: @escaping @Sendable (Int64) -> Void) async throws(CarrierError) -> Outcome {
        let source = try await SourceReader(envelope)
        var blob = try await announce()
        let resumedFrom = blob.received
        progress(resumedFrom)
        var setbacks = 0
        while !blob.isComplete {
            let piece = try await source.piece(at: blob.received, atMost: blob.largestPiece)
            switch try await send(piece, of: blob) {
            case .taken(let next):
                guard next.received > blob.received || next.isComplete else { throw stuck() }
                blob = next
                progress(blob.received)
            case .elsewhere(let next):
                // Somebody else brings the same bytes: each of us goes on where the other has got to.
                setbacks = next.received > blob.received ? 0 : setbacks + 1
                guard setbacks < 3 else { throw stuck() }
                blob = next
                progress(blob.received)
            }
        }
        return Outcome(blob: blob, resumedFrom: min(resumedFrom, envelope.size))
    }

    private enum PieceOutcome {
        case taken(HubBlob)
        case elsewhere(HubBlob)
    }

    private func send(_ piece: [UInt8], of blob: HubBlob) async throws(CarrierError) -> PieceOutcome {
        let answer = HubAnswer(
            try await client.perform(
                .patch, "/api/blobs/\(blob.id)?agent=\(uploader.asQueryValue)",
                headers: [
                    ("Content-Type", "application/octet-stream"), ("Upload-Offset", String(blob.received)),
                    ("Accept", "application/json"),
                ], body: piece, patience: patience(after: blob.received + Int64(piece.count))))
        switch (answer.status, answer.code) {
        case (200..<300, _):
            return .taken(try self.blob(client.object(answer), as: blob))
        case (409, "wrong_offset"):
            // The hub may have completed it with what another brought, so it is asked for all that it knows.
            return .elsewhere(try await announce())
        case (404, _), (410, _):
            return .elsewhere(try await announce())
        case (422, "digest_mismatch"):
            throw CarrierError(
                .corrupted, .retry(after: nil),
                "\(client.purpose): the hub finds another digest than the envelope was sealed with",
                remedy: "if this goes on, seal it again")
        default: throw client.error(answer)
        }
    }

    /// Before it answers the last piece the hub reads back all of them, for which it is granted one second for each
    /// 64 MiB.
    private func patience(after count: Int64) -> Duration {
        count < envelope.size ? .zero : .seconds(envelope.size / (64 << 20))
    }

    private func blob(_ json: JSONValue, as before: HubBlob? = nil) throws(CarrierError) -> HubBlob {
        var json = json
        // The answer to a piece need not repeat what the announcement said.
        if let before, var object = json.object {
            if object["blob_id"] == nil { object["blob_id"] = .text(before.id) }
            if object["chunk_bytes"] == nil { object["chunk_bytes"] = .integer(before.largestPiece) }
            json = .object(object)
        }
        guard let blob = HubBlob(json, size: envelope.size), before.map({ $0.id == blob.id }) ?? true else {
            throw client.unexpected("says impossible things of a blob")
        }
        return blob
    }

    private var uploader: String { client.agent?.name ?? "" }

    private func stuck() -> CarrierError {
        CarrierError(
            .stalled, .retry(after: nil), "\(client.purpose): the hub says again and again that it holds other bytes")
    }
}
