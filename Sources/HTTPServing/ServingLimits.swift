/// How slow the other side of a connection may be.
package struct ServingLimits: Sendable, Equatable {
    /// How long the header of the first request on a connection may take; then 408.
    package var headerTime: Duration
    /// For how long a body may come, or an answer be fetched, slower than `minimumRate`, or a connection may lie idle
    /// between two requests; then 408, or the connection is closed.
    package var idleTime: Duration
    /// The least number of bytes per second, averaged over `idleTime`, that counts as coming. Time in which this side
    /// did not read is not counted.
    package var minimumRate: Int

    /// Limits from their parts.
    package init(headerTime: Duration, idleTime: Duration, minimumRate: Int) {
        self.headerTime = headerTime
        self.idleTime = idleTime
        self.minimumRate = minimumRate
    }
}
