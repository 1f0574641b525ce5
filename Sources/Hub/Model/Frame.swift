package import Fabric

/// A frame that is to be appended to a channel.
package struct FrameDraft: Sendable {
    /// The channel's id.
    package var channel: String
    /// The payload as JSON text. It is given back exactly so.
    package var payload: String
    /// The blob that the payload refers to; it lives for as long as the frame waits.
    package var blob: String?
    /// What is known of the sender.
    package var proof: SenderProof
    /// How long it waits for its receiver; nil for the store's longest.
    package var retention: Duration?
    /// The most messages and frames of its sender in one clock hour; nil for any number, which are not counted then.
    package var hourlyLimit: Int64?
    /// The account that it is booked to.
    package var account = SenderAccount.none

    package init(channel: String, payload: String, blob: String? = nil, proof: SenderProof = .unproven) {
        self.channel = channel
        self.payload = payload
        self.blob = blob
        self.proof = proof
    }
}

/// A frame that is durable now.
package struct AppendedFrame: Sendable, Equatable {
    package let channel: String
    /// Its number in the channel, from 0, without gaps.
    package let sequence: Int64
    /// 32 hexadecimal digits over channel, payload and time.
    package let hash: String
    package let timestamp: Timestamp
    /// Whether this is the first answer to the same idempotency key again, and nothing was appended.
    package let wasReplay: Bool
}

/// A frame as it is kept.
package struct Frame: Sendable, Equatable {
    /// Where it stands among all items; for paging through a mailbox.
    package let position: Int64
    package let channel: String
    /// Its number in the channel, from 0.
    package let sequence: Int64
    /// The agent that opened the channel.
    package let agent: String
    /// What was known of the sender when the frame was sent.
    package let proof: SenderProof
    /// The agent that is to receive it.
    package let target: String
    package let intent: String
    /// The payload's JSON text exactly as it was given.
    package let payload: String
    package let timestamp: Timestamp
    package let hash: String
    package let blob: String?
    package let state: ItemState
    /// How many times it was offered under a lease.
    package let deliveries: Int64
    /// Why it was refused.
    package let reason: String?
}

/// Frames of one channel, in their order, and how to go on.
package struct FramePage: Sendable, Equatable {
    package let frames: [Frame]
    /// Ask for what is after this number next; nil when these were the last for now.
    package let next: Int64?
}

/// What the peers' readers see of a channel in one request.
package struct ChannelView: Sendable, Equatable {
    package let channel: Channel
    /// The oldest frames that wait; where none waits, the newest that are kept.
    package let recent: [Frame]
    /// The hashes that are still kept, oldest first: the opening's, the newest frames', the last closing's.
    package let chain: [String]
}
