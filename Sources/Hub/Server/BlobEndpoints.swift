internal import Fabric
internal import HTTPTypes
internal import HummingbirdCore
internal import NIOCore

/// What is too large for a message, uploaded in pieces and read in any (`/api/blobs`).
struct BlobEndpoints: Sendable {
    let core: HubCore

    /// How much is read of the store at once on the way out.
    private static let readSize = 256 << 10

    var all: [Endpoint] {
        [
            Endpoint(
                .post, "/api/blobs", "Begin a blob, or find the one that was begun",
                body: .json([
                    .required("agent", "string", "who uploads"), .required("to", "string", "who is to receive it"),
                    .required("size_bytes", "integer"), .required("digest", "string", "sha256:<hex>"),
                    .required("name", "string", "a file name"),
                ]), status: 201
            ) { (exchange) async throws(HubFault) in try await create(exchange) },
            Endpoint(
                .get, "/api/blobs/{id}", "Tell how far a blob is",
                query: [.required("agent", "string", "who asks: its uploader or its receiver")]
            ) { (exchange) async throws(HubFault) in HubReply(try await readable(exchange).json(core)) },
            Endpoint(
                .patch, "/api/blobs/{id}", "Add the next piece of a blob",
                query: [.required("agent", "string", "its uploader")],
                headers: [.required("Upload-Offset", "integer", "how many bytes came before")], body: .bytes,
                size: .piece
            ) { (exchange) async throws(HubFault) in try await append(exchange) },
            Endpoint(
                .get, "/api/blobs/{id}/content", "Read the bytes of a complete blob",
                query: [.required("agent", "string", "its uploader or its receiver")],
                headers: [.optional("Range", "string", "bytes=N- or bytes=N-M")],
                answerType: "application/octet-stream"
            ) { (exchange) async throws(HubFault) in try await content(exchange) },
        ]
    }

    // MARK: - Upload

    private func create(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var fields = try BodyFields(exchange.body)
        let (agent, receiver) = (fields.agent("agent"), fields.agent("to"))
        let size = fields.required("size_bytes", in: 0...core.limits.largestBlob)
        let digest = fields.parsed("digest", "sha256: and 64 hexadecimal digits") { text in
            text.hasPrefix("sha256:") ? Digest(hex: String(text.dropFirst(7))) : nil
        }
        let name = fields.text("name")
        try fields.check()
        guard let size, let digest else { return HubReply([:]) }
        let sender = try await core.access.sender(agent, try await core.access.caller(of: exchange))
        try await core.access.requireReceiver(receiver)
        if sender.account == .unproven, size > core.limits.unproven.bytes {
            let limit = core.limits.unproven.bytes
            throw HubFault(
                HubFault.tooLarge, "senders without a registered key may store \(limit) bytes here; register the name",
                code: "too_large"
            ).with("limit", .integer(limit))
        }
        try await core.room.checkDisk(Int(clamping: size), sender.account)
        var draft = BlobDraft(
            agent: agent, receiver: receiver, size: size, digest: digest, name: name,
            mailboxLimit: core.limits.mailboxBytes)
        draft.account = sender.account
        let begun = draft
        let (blob, isNew) = try await stored { () async throws(StoreError) in try await core.store.createBlob(begun) }
        return HubReply(isNew ? .created : .ok, blob.json(core))
    }

    private func append(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        var query = QueryFields(exchange.address)
        let agent = query.agent("agent")
        try query.check()
        guard let text = exchange.header("Upload-Offset"), let offset = Int64(text), offset >= 0 else {
            throw HubFault(invalid: [.missing(["header", "Upload-Offset"], in: .null)])
        }
        let blob = try await find(exchange)
        guard blob.agent == agent else { throw Access.forbidden(blob.agent) }
        _ = try await core.access.sender(agent, try await core.access.caller(of: exchange))
        let mailbox = MailboxName(.ipoll, of: blob.receiver)
        try await core.room.check(exchange.body.count, for: mailbox, from: agent, blob.account)
        let grown = try await stored { () async throws(StoreError) in
            try await core.store.append(exchange.body, to: blob.id, at: offset)
        }
        core.metrics.add("blob_bytes", exchange.body.count)
        return HubReply(grown.json(core))
    }

    // MARK: - Download

    private func content(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        let blob = try await readable(exchange)
        guard blob.isComplete else { throw HubFault(.blobIncomplete(blob.id)) }
        let range = try Self.range(exchange.header("Range"), of: blob.size)
        let (store, id) = (core.store, blob.id)
        let write: @Sendable (inout any ResponseBodyWriter) async throws -> Void = { writer in
            var offset = range.lowerBound
            while offset < range.upperBound {
                let piece = try await store.read(
                    blob: id, from: offset, limit: Int(min(Int64(Self.readSize), range.upperBound - offset)))
                // A blob that was removed meanwhile ends the connection early, which its reader notices.
                guard !piece.isEmpty else { throw HubFault(.unknownBlob(id)) }
                try await writer.write(ByteBuffer(bytes: piece))
                offset += Int64(piece.count)
            }
        }
        let isPart = exchange.header("Range") != nil
        var reply = HubReply(
            isPart ? .partialContent : .ok,
            body: .pieces(type: "application/octet-stream", length: Int64(range.count), write))
        reply.headers[.acceptRanges] = "bytes"
        reply.headers[.eTag] = "\"\(blob.digest.hex)\""
        if isPart {
            reply.headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(blob.size)"
        }
        return reply
    }

    /// The bytes that a Range field asks for; all where there is none.
    ///
    /// - Throws: 416 for a range that has no bytes.
    static func range(_ field: String?, of size: Int64) throws(HubFault) -> Range<Int64> {
        guard let field else { return 0..<size }
        let unsatisfiable = HubFault(.rangeNotSatisfiable, "the blob has \(size) bytes", code: "bad_range")
            .with(.contentRange, "bytes */\(size)")
        guard field.hasPrefix("bytes=") else { throw unsatisfiable }
        let ends = field.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard ends.count == 2 else { throw unsatisfiable }
        guard !ends[0].isEmpty else {
            guard let count = Int64(ends[1]), count > 0, size > 0 else { throw unsatisfiable }
            return max(0, size - count)..<size
        }
        let last = ends[1].isEmpty ? size - 1 : Int64(ends[1]).map { min($0, size - 1) }
        guard let first = Int64(ends[0]), let last, first >= 0, first <= last else { throw unsatisfiable }
        return first..<(last + 1)
    }

    // MARK: - Both

    private func find(_ exchange: Exchange) async throws(HubFault) -> Blob {
        let id = exchange.capture("id")
        let blob = try await stored { () async throws(StoreError) in try await core.store.blob(id) }
        guard let blob else { throw HubFault(.unknownBlob(id)) }
        return blob
    }

    /// The blob, if who asks may see it.
    private func readable(_ exchange: Exchange) async throws(HubFault) -> Blob {
        var query = QueryFields(exchange.address)
        let agent = query.agent("agent")
        try query.check()
        let caller = try await core.access.caller(of: exchange)
        let blob = try await find(exchange)
        guard agent == blob.agent || agent == blob.receiver else { throw Access.forbidden(blob.receiver) }
        try core.access.require(agent, caller)
        guard caller.owns(since: blob.createdAt) else { throw HubFault(.unknownBlob(blob.id)) }
        return blob
    }
}

extension Blob {
    /// The blob as it is told of.
    func json(_ core: HubCore) -> JSONObject {
        var object: JSONObject = [
            "blob_id": .text(id), "received": .integer(received), "size_bytes": .integer(size),
            "complete": .bool(isComplete), "chunk_bytes": .integer(core.limits.piece),
            "digest": .text(digest.description), "name": .text(name), "agent": .text(agent), "to": .text(receiver),
        ]
        if let computedDigest { object["computed_digest"] = .text(computedDigest.description) }
        return object
    }
}
