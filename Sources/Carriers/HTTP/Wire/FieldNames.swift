/// Names of the header fields that only this family of programs knows.
///
/// `X-TIBET-Sender-DID` is the peers' (`http-inbox.md`, section 4). The `Upload-` fields are those of the IETF's draft
/// on resumable uploads. The rest is what our listener tells our sender; a peer's client ignores it.
enum FieldName {
    /// The DID that the sender claims to be.
    static let senderDID = "X-TIBET-Sender-DID"
    /// The SHA-256 of a whole envelope, as a structured field (RFC 9530).
    static let reprDigest = "Repr-Digest"
    /// The name that the stored file has.
    static let storedName = "TIBET-Stored-Name"
    /// What became of the envelope: `created`, `duplicate` or `kept-beside`.
    static let outcome = "TIBET-Outcome"
    /// What the receiver signs of what it stored: the text of a `SignedReceipt`.
    static let receipt = "TIBET-Receipt"
    /// Whether the request carries the envelope to its end.
    static let uploadComplete = "Upload-Complete"
    /// The number of bytes of the whole envelope.
    static let uploadLength = "Upload-Length"
    /// The number of leading bytes that are held.
    static let uploadOffset = "Upload-Offset"
    /// What an unsigned announcement is found again by: 64 hexadecimal digits that only its sender knows.
    static let uploadToken = "TIBET-Upload-Token"
    /// The version of the draft that is spoken.
    static let uploadVersion = "Upload-Draft-Interop-Version"
    /// The SHA-256 of the leading bytes that are held.
    static let prefixDigest = "TIBET-Upload-Prefix-Digest"
}

/// The version of the draft whose header fields are used here.
let uploadInteropVersion = "6"

/// The media type of a `PATCH` that carries the rest of an upload.
let partialUploadType = "application/partial-upload"
