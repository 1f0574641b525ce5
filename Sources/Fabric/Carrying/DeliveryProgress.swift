internal import Synchronization

/// Progress that never goes back, and reaches the whole size only with the receipt (`Carrier`, obligation 8).
public final class DeliveryProgress: Sendable {
    private let sink: ProgressSink
    private let size: Int64
    private let last = Mutex<Int64>(-1)

    /// Progress of a delivery of `size` bytes, told to `sink`.
    public init(_ sink: ProgressSink, size: Int64) {
        self.sink = sink
        self.size = size
    }

    /// The far side has taken `bytes`, of which it does not say yet that it keeps them.
    public func advance(to bytes: Int64) { report(min(bytes, size - 1)) }

    /// The receipt is in.
    public func finish() { report(size) }

    private func report(_ bytes: Int64) {
        last.withLock { last in
            guard bytes > last else { return }
            last = bytes
            sink.report(bytes)
        }
    }
}
