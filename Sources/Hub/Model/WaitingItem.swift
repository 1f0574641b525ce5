package import Fabric

/// One frame or message that waits for its receiver, without its content.
package struct WaitingItem: Sendable, Equatable {
    /// A message's id; of a frame `<channel>/<number>`.
    package let id: String
    package let kind: MailboxKind
    /// The sender, and what was known of it when it sent.
    package let sender: String
    package let proof: SenderProof
    /// The intent of a frame, kind and type of a message.
    package let topic: String
    /// Bytes of the content.
    package let size: Int64
    package let createdAt: Timestamp
    /// When the hub removes it by itself.
    package let expiresAt: Timestamp
    /// Whether a consumer holds a lease on it.
    package let isLeased: Bool
}

/// What waits for an agent.
package struct WaitingList: Sendable, Equatable {
    /// Frames and messages, oldest first.
    package let items: [WaitingItem]
    /// Blobs to which no frame or message refers: unfinished uploads, and finished ones that were never announced.
    package let blobs: [Blob]
    /// Whether there may be more than were asked for.
    package let hasMore: Bool
}
