internal import Fabric
internal import Synchronization

/// Everything that a carrier reported about one delivery.
final class Reports: Sendable {
    private let seen = Mutex<[Int64]>([])

    var sink: ProgressSink { ProgressSink { bytes in self.seen.withLock { $0.append(bytes) } } }

    /// Checks obligation 8; `mustBeWhole` when the delivery succeeded.
    func check(size: Int64, mustBeWhole: Bool, in trial: Trial) {
        let all = seen.withLock { $0 }
        trial.expect(all == all.sorted(), "progress went back: \(all.prefix(20))")
        trial.expect(all.allSatisfy { (0...size).contains($0) }, "progress left 0 to \(size): \(all.suffix(3))")
        if mustBeWhole {
            trial.expect(all.last == size, "progress ended at \(all.last ?? -1) of \(size)")
        } else {
            trial.expect(all.last != size, "progress was complete without a receipt")
        }
    }
}
