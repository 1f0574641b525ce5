package import Fabric

/// What a message says of an envelope: its metadata as CEP has it (`cep.md`, section 6.1), and what our hub needs beside.
/// All of it is claims of the sender.
package struct EnvelopeNotice: Sendable {
    /// The schema of such messages.
    static let schema = "aint-send-v2"

    /// The name of the envelope, which perhaps no file can have.
    package let name: String
    /// Where it is, in the sender's words: for people. Nothing here ever opens it.
    package let reference: String?
    /// The schema that the message names; nil where it names none.
    package let schema: String?
    /// How far it is said to be verified; nil where nothing is said. Never believed.
    package let claimedState: String?
    /// The SHA-256 of the sealed bytes; nil where none is said.
    package let envelopeDigest: Digest?
    /// The digest of the content (`cep.md`, section 6.2); nil where none is said.
    package let contentDigest: Digest?
    /// The number of sealed bytes; nil where none is said.
    package let size: Int64?
    /// The blob in which our hub holds the bytes; nil where they travel by another way.
    package let blob: String?

    /// Reads what a message says; nil where it names no envelope.
    package init?(_ message: PollMessage) {
        var metadata = message.metadata
        // Our hub takes the blob's id beside the metadata as well.
        if metadata["blob_id"] == nil, let blob = message.raw["blob_id"] { metadata["blob_id"] = blob }
        self.init(metadata)
    }

    /// Reads metadata, or a record of a reference, which has the same keys; nil where no envelope is named.
    init?(_ metadata: JSONObject) {
        guard let name = metadata["envelope_name"]?.text else { return nil }
        self.name = name
        reference = metadata["envelope_ref"]?.text ?? metadata["tbz_envelope_ref"]?.text
        schema = metadata["schema"]?.text
        claimedState = (metadata["claimed_state"] ?? metadata["verification_state"])?.text
        envelopeDigest = metadata["envelope_digest"]?.text.flatMap { Self.digest($0) }
        contentDigest = metadata["content_digest"]?.text.flatMap { Self.digest($0) }
        size = metadata["size_bytes"]?.integer
        blob = metadata["blob_id"]?.text
    }

    /// The metadata of a message about `envelope`, whose bytes are at `reference`.
    static func metadata(of envelope: SealedEnvelope, at reference: String, blob: String?) -> JSONObject {
        var metadata: JSONObject = [
            "envelope_name": .text(envelope.name.text), "envelope_ref": .text(reference),
            "tbz_envelope_ref": .text(reference), "schema": .text(schema), "verification_state": "referenced",
            "envelope_digest": .text(envelope.digest.description), "size_bytes": .integer(envelope.size),
        ]
        if let blob { metadata["blob_id"] = .text(blob) }
        return metadata
    }

    /// Reads `sha256:` and 64 hexadecimal digits.
    static func digest(_ text: String) -> Digest? {
        let prefix = "sha256:"
        return text.hasPrefix(prefix) ? Digest(hex: String(text.dropFirst(prefix.count))) : nil
    }
}
