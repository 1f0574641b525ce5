internal import Dispatch
internal import Fabric
internal import Synchronization
internal import SystemPackage

/// Stops whoever reads an envelope at certain bytes, tells that, and goes on when it is told to.
final class Turnstile: Sendable {
    private let stops: Mutex<[Int64]>
    private let signal = DispatchSemaphore(value: 0)
    private let isOpen = Atomic(false)
    private let arrivals: AsyncStream<Int64>
    private let arrive: AsyncStream<Int64>.Continuation

    /// Stops before the bytes at these offsets are read, once each.
    init(at stops: [Int64]) {
        self.stops = Mutex(stops.sorted())
        (arrivals, arrive) = AsyncStream.makeStream()
    }

    /// Waits until a reader stands at a stop; its offset, or nil when no reader will come.
    func reached() async -> Int64? {
        for await offset in arrivals { return offset }
        return nil
    }

    /// Lets the reader go on to the next stop.
    func go() { signal.signal() }

    /// Lets every reader through from now on.
    func open() {
        isOpen.store(true, ordering: .releasing)
        for _ in 0..<64 { signal.signal() }
        arrive.finish()
    }

    /// No reader will come any more.
    func finish() { arrive.finish() }

    /// Called by a reader before it gets the bytes up to `end`.
    func pass(upTo end: Int64) {
        while !isOpen.load(ordering: .acquiring) {
            let stop = stops.withLock { stops -> Int64? in
                guard let first = stops.first, first < end else { return nil }
                return stops.removeFirst()
            }
            guard let stop else { return }
            arrive.yield(stop)
            signal.wait()
        }
    }
}

/// An envelope behind a turnstile. Reads of single bytes, with which a carrier looks at the length, pass.
struct StoppedSource: EnvelopeSource {
    let inner: any EnvelopeSource
    let turnstile: Turnstile

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        let count = try inner.read(into: buffer, at: offset)
        if buffer.count > 1 { turnstile.pass(upTo: offset + Int64(count)) }
        return count
    }
}

extension SealedEnvelope {
    /// The same envelope, read from what `change` makes of its source.
    func reading(
        _ change: @escaping @Sendable (any EnvelopeSource) -> any EnvelopeSource
    ) -> SealedEnvelope {
        let open = open
        return SealedEnvelope(name: name, digest: digest, size: size) { () throws(SystemFailure) in
            change(try open())
        }
    }
}

/// A delivery under way, whose source stops at a turnstile.
struct StoppedDelivery: Sendable {
    let turnstile: Turnstile
    let task: Task<Result<DeliveryReceipt, CarrierError>, Never>

    /// Begins to deliver `envelope`, stopping before the bytes at `stops` are read.
    init(
        _ envelope: SealedEnvelope, by carrier: any Carrier, along route: Route, stops: [Int64], in trial: Trial,
        reporting progress: ProgressSink = .none
    ) {
        let turnstile = Turnstile(at: stops)
        trial.atEnd { turnstile.open() }
        let stopped = envelope.reading { StoppedSource(inner: $0, turnstile: turnstile) }
        self.turnstile = turnstile
        task = Task {
            let outcome = await carrier.outcome(stopped, along: route, reporting: progress)
            turnstile.finish()
            return outcome
        }
    }
}
