package import Fabric
package import SystemPackage

/// Where the hub keeps what it holds.
package enum StoreLocation: Sendable {
    /// One SQLite file (and its companions `-wal`, `-shm` and `.lock`), made with mode 0600 unless it is there.
    case file(FilePath)
    /// A PostgreSQL database, as a connection URL or as libpq's `key=value` text. May hold a password: never shown.
    case postgres(String)
}

/// How a store behaves.
package struct StoreConfiguration: Sendable {
    /// How many channels one agent may have open (`mux.md`, section 4).
    package var openChannelsPerAgent = 32
    /// For how long a waiting frame is kept.
    package var frameRetention: Duration = .seconds(30 * 86400)
    /// For how long a waiting message is kept whose draft says nothing else.
    package var messageRetention: Duration = .seconds(30 * 86400)
    /// For how long a settled message is kept, for history.
    package var settledRetention: Duration = .seconds(72 * 3600)
    /// For how long a refused frame or message is kept for a person to look at, with its reason.
    package var refusedRetention: Duration = .seconds(30 * 86400)
    /// For how long a closed channel whose frames are all settled is kept, with them (`mux.md`, section 5.4).
    package var closedChannelRetention: Duration = .seconds(3600)
    /// For how long a blob is kept that nothing refers to.
    package var unreferencedBlobRetention: Duration = .seconds(86400)
    /// For how long a blob is kept after its last item was committed.
    package var settledBlobRetention: Duration = .seconds(600)
    /// For how long an idempotency key is remembered.
    package var idempotencyRetention: Duration = .seconds(86400)
    /// What all unproven senders may store together.
    package var unproven = UnprovenLimits()
    /// The largest piece of a blob in bytes.
    package var blobPiece = 1 << 20
    /// How many readers work at once.
    package var readers = 4
    /// The most changes that share one transaction.
    package var batch = 256
    /// The most bytes of content in one answer, which always holds one item.
    package var answerBytes: Int64 = 16 << 20
    /// The wall clock. Leases, retention and stamps go by it; with several hubs, by that of the hub that is asked.
    package var clock: @Sendable () -> Timestamp = { Timestamp.now() }

    package init() {}

    /// For how long a blob is kept that nothing refers to, by the account that it is booked to.
    func blobRetention(of account: SenderAccount) -> Duration {
        account == .unproven ? unproven.blobRetention : unreferencedBlobRetention
    }
}
