/// The account that holds what a sender has stored at the hub.
package enum SenderAccount: Sendable, Equatable {
    /// No account: the hub is open, where a sender's name proves nothing.
    case none
    /// The account of the sender that is named, which is proven. Its bytes count in the receiver's mailbox as well.
    case proven
    /// The one account that all unproven senders share, over all receivers (`UnprovenLimits`).
    case unproven

    /// The number that stands for it in the store. Never changed.
    var code: Int64 {
        switch self {
        case .none: 0
        case .proven: 1
        case .unproven: 2
        }
    }

    init(code: Int64) {
        switch code {
        case 1: self = .proven
        case 2: self = .unproven
        default: self = .none
        }
    }
}

/// What all senders without a proven key may use up together.
///
/// Everything that an unproven sender stores counts from its arrival until its rows are deleted, whether or not a
/// receiver has taken it.
package struct UnprovenLimits: Sendable, Equatable {
    /// Bytes of frames, messages, channels and blobs, with `overhead` for each of them. 64 MiB.
    package var bytes: Int64 = 64 << 20
    /// Frames, messages, channels and blobs. 10,000.
    package var items: Int64 = 10_000
    /// How long a frame, a message or a channel is kept after its arrival. 1 hour, as the tier sandbox has it.
    package var retention: Duration = .seconds(3600)
    /// How long a blob is kept after it was begun, while no frame or message refers to it. 10 minutes.
    package var blobRetention: Duration = .seconds(600)

    /// The bytes that one row and its index entries take beside the content.
    static let overhead: Int64 = 1024

    package init() {}
}

/// What an account holds.
package struct AccountLoad: Sendable, Equatable {
    /// Frames, messages, channels and blobs.
    package let items: Int64
    /// Their bytes.
    package let bytes: Int64
}
