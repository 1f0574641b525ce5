/// For how long a plug-in may do nothing, and how much it may say.
public struct PluginLimits: Sendable {
    /// For how long a plug-in may move fewer bytes than `minimumRate`, or leave a request unanswered; then it is stalled
    /// and ended. After a large envelope it has one second more for each 64 MiB. 30 seconds.
    public var stallTime: Duration = .seconds(30)
    /// The least number of bytes per second, averaged over `stallTime`, that counts as progress. 256.
    public var minimumRate: Int64 = 256
    /// How long a plug-in has to end once it has answered, or was asked to end; then its whole group is killed.
    /// 2 seconds.
    public var endTime: Duration = .seconds(2)
    /// The longest line, in bytes. 64 KiB.
    public var lineLength: Int = 1 << 16
    /// The number of lines in one session. 100,000.
    public var lines: Int = 100_000
    /// How much may come on standard error in one session, in bytes. 1 MiB; the last line is shown when it fails.
    public var errorBytes: Int = 1 << 20

    /// The defaults.
    public init() {}
}
