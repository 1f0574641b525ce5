internal import Glibc

/// How an outbox behaves. The defaults are meant for a person's machine and for a server alike.
public struct OutboxConfiguration: Sendable {
    /// How long routes rest after failures.
    public var backOff = BackOff()
    /// When a host is left alone altogether.
    public var circuit = CircuitRules()
    /// How long what is over is remembered.
    public var retention = Retention()
    /// How long a process may be silent before another takes its delivery over; it is told of life three times as often.
    public var leaseTime: Duration = .seconds(60)
    /// What tells the time.
    public var clock = OutboxClock.system
    /// A number from 0 up to 1, for jitter.
    public var random: @Sendable () -> Double = { Double.random(in: 0..<1) }

    var hooks = OutboxHooks()

    /// The defaults.
    public init() {}

    /// How long what is over is remembered.
    public struct Retention: Sendable, Equatable {
        /// How long deliveries that are done, with their receipts, are kept, in seconds. The envelopes of those that
        /// expired are kept as long.
        public var seconds: Int64 = 90 * 86400
        /// How many of them are kept at the most.
        public var count = 100_000

        /// The defaults: 90 days, 100,000 deliveries.
        public init() {}
    }
}

/// What tells the time to an outbox.
public struct OutboxClock: Sendable {
    /// The wall clock, for what people read and for times that outlive a restart.
    public var now: @Sendable () -> Timestamp
    /// Milliseconds since the machine started, for leases: no clock that is set can end one.
    public var uptime: @Sendable () -> Int64
    /// Returns after a time, or throws when the task is cancelled.
    public var sleep: @Sendable (Duration) async throws -> Void

    /// A clock from its parts.
    public init(
        now: @escaping @Sendable () -> Timestamp, uptime: @escaping @Sendable () -> Int64,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.now = now
        self.uptime = uptime
        self.sleep = sleep
    }

    /// The machine's.
    public static let system = OutboxClock(
        now: { .now() },
        uptime: {
            var time = timespec()
            clock_gettime(CLOCK_BOOTTIME, &time)
            return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
        },
        sleep: { try await Task.sleep(for: $0) })
}

/// Where a test can stop the outbox.
struct OutboxHooks: Sendable {
    var pass: @Sendable (OutboxStep) -> Void = { _ in }
}

/// The steps of an envelope through the outbox, in their order, each named by what is true when it is passed.
@_spi(CrashTests) public enum OutboxStep: String, Sendable, CaseIterable {
    /// The file that is sealed into is there, and empty.
    case staged
    /// The envelope is in it, on stable storage.
    case sealed
    /// Its name is claimed.
    case named
    /// The file has the name of its digest.
    case published
    /// The deliveries are in the index.
    case indexed
    /// A delivery is claimed for an attempt.
    case claimed
    /// The attempt is written down.
    case begun
    /// The carrier has a receipt, which nobody else knows of.
    case received
    /// The receipt is in the index.
    case recorded
    /// The file is removed.
    case removed
}

extension OutboxConfiguration {
    /// Calls `body` at each step. For programs that test what happens when a process dies there.
    @_spi(CrashTests) public mutating func atEachStep(_ body: @escaping @Sendable (OutboxStep) -> Void) {
        hooks.pass = body
    }
}
