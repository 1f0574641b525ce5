import Glibc
import Synchronization

/// What one run of load is to be.
struct Load: Sendable {
    var server: Server
    /// The bytes of each message.
    var size: Int
    /// How many connections send.
    var senders: Int
    /// How many connections receive.
    var receivers: Int
    /// How many messages altogether.
    var count: Int
    /// Messages per second altogether; 0 for as fast as they are taken.
    var rate: Int
}

/// What came of it.
final class Tally: Sendable {
    private let latencies = Mutex<[UInt64]>([])
    private let failure = Mutex<LoadFailure?>(nil)
    /// When the last arrived.
    let last = Atomic<UInt64>(0)
    /// How many were sent and acknowledged.
    let sent = Atomic<Int>(0)
    /// How many arrived.
    let received = Atomic<Int>(0)

    func arrived(_ stamps: [UInt64]) {
        let now = Stamp.now()
        latencies.withLock { $0.append(contentsOf: stamps.map { now - $0 }) }
        received.add(stamps.count, ordering: .relaxed)
        last.store(now, ordering: .relaxed)
    }

    func failed(_ reason: LoadFailure) { failure.withLock { if $0 == nil { $0 = reason } } }

    var hasFailed: Bool { failure.withLock { $0 != nil } }

    /// One line of JSON: messages per second, and the middle, 99th percentile and worst time from sending to receipt.
    func report(_ load: Load, seconds: Double) throws(LoadFailure) -> String {
        if let reason = failure.withLock({ $0 }) { throw reason }
        let sorted = latencies.withLock { $0.sorted() }
        func milliseconds(_ part: Double) -> String {
            guard !sorted.isEmpty else { return "null" }
            let value = sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
            return String(Double(value / 1000) / 1000)
        }
        let rate = Int(Double(sorted.count) / seconds)
        return "{\"messages\":\(sorted.count),\"size\":\(load.size),\"seconds\":\(seconds),\"per_second\":\(rate),"
            + "\"p50_ms\":\(milliseconds(0.5)),\"p99_ms\":\(milliseconds(0.99)),\"worst_ms\":\(milliseconds(1))}"
    }
}

/// Sends at an even pace, or not at all held back.
struct Pace {
    private let start = Stamp.now()
    private let interval: UInt64
    private var turn: UInt64 = 0

    init(rate: Int, among senders: Int) { interval = rate == 0 ? 0 : UInt64(1_000_000_000 * senders / rate) }

    /// Returns when it is time for the next.
    mutating func wait() {
        guard interval > 0 else { return }
        turn += 1
        let due = start + turn * interval
        let now = Stamp.now()
        if due > now { usleep(UInt32((due - now) / 1000)) }
    }
}

/// A thread of its own for everything that blocks.
func onThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    pthread_create(
        &thread, nil,
        { argument in
            Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        }, Unmanaged.passRetained(Work(body)).toOpaque())
    return thread
}
