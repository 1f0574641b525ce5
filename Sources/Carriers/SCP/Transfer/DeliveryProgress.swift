internal import Fabric

/// Progress that never goes back, and reaches the whole size only with the receipt (`Carrier`, obligation 8).
struct DeliveryProgress {
    private let sink: ProgressSink
    private let size: Int64
    private var last: Int64 = -1

    init(_ sink: ProgressSink, size: Int64) {
        self.sink = sink
        self.size = size
    }

    /// The far side has taken `bytes`, of which it does not say yet that it keeps them.
    mutating func advance(to bytes: Int64) { report(min(bytes, size - 1)) }

    /// The receipt is in.
    mutating func finish() { report(size) }

    private mutating func report(_ bytes: Int64) {
        guard bytes > last else { return }
        last = bytes
        sink.report(bytes)
    }
}
