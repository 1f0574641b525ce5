internal import Fabric
internal import FoundationEssentials
internal import HTTPClient
internal import HubClient

/// The body of the peers' `file/push`: one whole envelope as base64 (`ipoll.md`, section 2).
struct FilePush: Sendable {
    let body: JSONValue

    /// Reads all of `envelope`, whose size the caller has checked.
    init(_ envelope: SealedEnvelope, from sender: HubAgent, to receiver: HubAgent) async throws(CarrierError) {
        let source = try await SourceReader(envelope)
        let bytes = try await source.piece(at: 0, atMost: Int(clamping: envelope.size))
        guard Digest(of: bytes) == envelope.digest else {
            throw CarrierError(
                .corrupted, .giveUp, "the envelope has other bytes than it was sealed with", remedy: "seal it again")
        }
        body = [
            "from_agent": .text(sender.name), "to_agent": .text(receiver.name), "filename": .text(envelope.name.text),
            "data_base64": .text(Data(bytes).base64EncodedString()),
            "description": .text("sealed envelope \(envelope.name)"),
        ]
    }
}

extension IPollClient {
    /// Brings a file to a server, and returns the server's name for it; nil where it gives none.
    func fileID(for file: FilePush, _ purpose: String) async throws(CarrierError) -> String? {
        let answer = try await object(.post, "/file/push", file.body, purpose)
        return answer["file_id"]?.text.flatMap { (1...200).contains($0.utf8.count) ? $0 : nil }
    }
}
