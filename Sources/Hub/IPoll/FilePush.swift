internal import Fabric
internal import FoundationEssentials

/// A file that comes as one base64 text, as the peers send it: kept as a blob.
struct FilePush: Sendable {
    let core: HubCore

    func answer(_ exchange: Exchange) async throws(HubFault) -> HubReply {
        let file = try await RequestJSON.read(exchange.body) { bytes throws(HubFault) in try File(bytes) }
        let (from, to, name, bytes) = (file.from, file.to, file.name, file.bytes)
        let sender = try await core.access.sender(from, try await core.access.caller(of: exchange))
        try await core.access.requireReceiver(to)
        try await core.room.check(bytes.count, for: MailboxName(.ipoll, of: to), from: from, sender.account)
        let digest = file.digest
        var draft = BlobDraft(
            agent: from, receiver: to, size: Int64(bytes.count), digest: digest, name: name,
            mailboxLimit: core.limits.mailboxBytes)
        draft.account = sender.account
        let begun = draft
        var blob = try await stored { () async throws(StoreError) in try await core.store.createBlob(begun).blob }
        while !blob.isComplete {
            // Another may be uploading the same: each goes on from where the blob is.
            let start = Int(blob.received)
            let piece = Array(bytes[start..<min(bytes.count, start + core.limits.piece)])
            let id = blob.id
            do throws(StoreError) {
                blob = try await core.store.append(piece, to: id, at: Int64(start))
            } catch {
                guard case .wrongOffset = error else { throw HubFault(error) }
                let now = try await stored { () async throws(StoreError) in try await core.store.blob(id) }
                guard let now else { throw HubFault(.unknownBlob(id)) }
                blob = now
            }
        }
        core.metrics.add("blob_bytes", bytes.count)
        return HubReply([
            "file_id": .text(blob.id), "blob_id": .text(blob.id), "status": "stored",
            "size_bytes": .integer(bytes.count), "digest": .text(digest.description), "filename": .text(name),
        ])
    }
}

/// A file as it is in a request.
private struct File: Sendable {
    let from: String
    let to: String
    let name: String
    let bytes: [UInt8]
    let digest: Digest

    init(_ body: [UInt8]) throws(HubFault) {
        var fields = try BodyFields(body)
        (from, to) = (fields.agent("from_agent"), fields.agent("to_agent"))
        name = fields.text("filename")
        let bytes = fields.parsed("data_base64", "base64") { text in Data(base64Encoded: text).map { [UInt8]($0) } }
        _ = fields.optionalText("description")
        _ = fields.optionalText("poll_id")
        try fields.check()
        self.bytes = bytes ?? []
        digest = Digest(of: self.bytes)
    }
}
