/// How much a listener takes, and how fast it must come (`http-inbox.md`, section 6, rows 2, 3 and 14).
///
/// The disk reserve is the lane's own: `Lane(directory:reserve:)`.
public struct HTTPListenerLimits: Sendable, Equatable {
    /// The largest envelope in bytes; a larger one is refused with 413 before any of it is read. 16 GiB.
    public var largestBody: Int64 = 16 << 30
    /// How many envelopes may come in at once; one more is refused with 429. 64.
    public var concurrentUploads: Int = 64
    /// How many of them may come from one address (for IPv6 from one /64 network), and from one key: half by default. With
    /// a list of keys, those of listed keys are counted by key only.
    public var uploadsPerSender: Int?
    /// Where a signature is required: how many envelopes may come in at once whose signature cannot be checked before
    /// their bytes have come, as the peers' senders do not announce the digest. 4, and half of that by one sender.
    public var unprovenUploads: Int = 4
    /// The largest of these, in bytes; more is refused with 413. 1 GiB.
    public var largestUnproven: Int64 = 1 << 30
    /// The least number of bytes per second of these, in place of `minimumRate`. 16 KiB.
    public var unprovenRate: Int = 16 << 10
    /// How many connections may be open at once; more wait to be accepted. 512.
    public var connections: Int = 512
    /// How long the header of the first request on a connection may take; then 408. 10 seconds.
    public var headerTime: Duration = .seconds(10)
    /// For how long a body may come slower than `minimumRate`, or a connection may lie idle between two requests;
    /// then 408, or the connection is closed. 30 seconds.
    public var idleTime: Duration = .seconds(30)
    /// The least number of bytes per second, averaged over `idleTime`, that counts as coming. Time in which this side
    /// did not read is not counted. 256.
    public var minimumRate: Int = 256
    /// How many interrupted uploads are kept to be gone on with. For one more, the oldest that holds no bytes goes;
    /// where all hold some, senders fall back to sending all. 256.
    public var unfinishedUploads: Int = 256
    /// How long an interrupted upload is kept after its last byte; looked at once an hour. 24 hours.
    public var unfinishedUploadAge: Duration = .seconds(24 * 60 * 60)
    /// From this size on it is remembered for `unfinishedUploadAge` that an upload was finished, and its sender, asking
    /// again, is told so. 1 MiB.
    public var rememberedUploadSize: Int64 = 1 << 20
    /// How long a connection that has an upload must be silent before another takes the upload over. 2 seconds.
    public var takeOverTime: Duration = .seconds(2)
    /// How long deliveries under way may go on when the listener is stopped. 5 seconds.
    public var stopTime: Duration = .seconds(5)

    /// The defaults.
    public init() {}
}
