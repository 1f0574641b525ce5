package import Fabric

/// A blob that somebody wants to upload.
package struct BlobDraft: Sendable {
    /// The agent that uploads it, normalised.
    package var agent: String
    /// The agent that is to receive it, normalised; its mailbox holds the bytes.
    package var receiver: String
    package var size: Int64
    package var digest: Digest
    package var name: String
    /// The most bytes that the receiver's mailbox may hold with it; nil for any number. Nothing is reserved: what the
    /// mailbox holds are the bytes that were received.
    package var mailboxLimit: Int64?
    /// The account that its bytes are booked to as they are received.
    package var account = SenderAccount.none

    package init(
        agent: String, receiver: String, size: Int64, digest: Digest, name: String, mailboxLimit: Int64? = nil
    ) {
        self.agent = agent
        self.receiver = receiver
        self.size = size
        self.digest = digest
        self.name = name
        self.mailboxLimit = mailboxLimit
    }
}

/// A blob as it is kept.
package struct Blob: Sendable, Equatable {
    /// `blob-` and 32 hexadecimal digits.
    package let id: String
    package let agent: String
    package let receiver: String
    package let size: Int64
    /// As the uploader claimed.
    package let digest: Digest
    package let name: String
    /// How many leading bytes are durable.
    package let received: Int64
    /// Whether it is whole, and its digest was found to be the claimed one.
    package let isComplete: Bool
    package let createdAt: Timestamp
    /// The account that its bytes are booked to.
    package let account: SenderAccount

    /// The digest as the hub computed it; nil while it is not complete.
    package var computedDigest: Digest? { isComplete ? digest : nil }
}
