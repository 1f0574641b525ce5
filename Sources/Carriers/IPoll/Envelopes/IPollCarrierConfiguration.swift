public import SystemPackage

/// Who sends and receives, and how patiently.
public struct IPollCarrierConfiguration: Sendable {
    /// How servers are asked, and with whose key.
    public var requests: IPollConfiguration
    /// The agent in whose name envelopes are sent, as people write it: `alice` or `alice.aint`. A mailbox is read in the
    /// name of its own agent.
    public var sender: String
    /// The largest envelope that is given to a server other than ours, in bytes; there it travels as one text, which is
    /// in memory as a whole. 4 MiB.
    public var largestFile: Int64 = 4 << 20
    /// The largest envelope that is given to anybody, in bytes; nil for no limit.
    public var largestEnvelope: Int64?
    /// For how long our hub holds what is received until it is settled or extended. 60 seconds.
    public var lease: Duration = .seconds(60)
    /// For how long our hub is asked to wait for something to come, time after time. 50 seconds.
    public var wait: Duration = .seconds(50)
    /// How often a server that cannot wait is asked. 2 seconds.
    public var interval: Duration = .seconds(2)
    /// What is read is remembered here for servers that do not hold it. Needed for receiving only.
    public var state: FilePath?
    /// Which messages are received: those that name envelopes. Others stay at the server.
    package var kinds: Set<PollKind> = [.envelope, .forkEnvelope]
    /// Where what was referenced and not brought is written down. Without it such messages stay where they are.
    package var references: ReferenceBook?
    /// Told of each of them once it is written down.
    package var noteReference: @Sendable (EnvelopeReference) -> Void = { _ in }

    /// The defaults.
    public init(sender: String, requests: IPollConfiguration = IPollConfiguration()) {
        self.sender = sender
        self.requests = requests
    }
}
