/// What the store has seen and holds, for status and metrics.
package struct StoreTotals: Sendable, Equatable {
    package var channelsOpened: Int64 = 0
    /// How many times a channel was closed, as the peers count: closing one twice counts twice.
    package var channelsClosed: Int64 = 0
    package var channelsOpen: Int64 = 0
    package var framesAppended: Int64 = 0
    /// The sum of all frames' payloads in bytes.
    package var frameBytes: Int64 = 0
    package var framesUnsettled: Int64 = 0
    package var messagesPushed: Int64 = 0
    package var messageBytes: Int64 = 0
    package var messagesPending: Int64 = 0
    package var itemsRefused: Int64 = 0
    package var agentsRegistered: Int64 = 0
    package var blobBytes: Int64 = 0
}

/// What one mailbox holds.
package struct MailboxLoad: Sendable, Equatable {
    /// How many items nobody has settled yet.
    package let unsettled: Int64
    /// Bytes of unsettled items and of blobs. Blobs are counted in the mailbox of messages.
    package let bytes: Int64
}

/// How much an agent has sent in one clock hour.
package struct HourlyUsage: Sendable, Equatable {
    /// Hours since 1970.
    package let hour: Int64
    package let messages: Int64
    package let bytes: Int64
}

/// What a store takes of its disk.
package struct StorageState: Sendable, Equatable {
    /// Bytes on disk.
    package let size: Int64
    /// Bytes that are free where it lies; nil where that is another machine's.
    package let free: Int64?
}

/// What one call of the sweep has done.
package struct SweepResult: Sendable, Equatable {
    /// Frames and messages that are gone.
    package var items = 0
    package var channels = 0
    package var blobs = 0
    /// Nonces, idempotency keys, hours of usage and settled leases that nobody needs any more.
    package var notes = 0
    /// Whether there was more to do than one call does.
    package var hasMore = false
}
