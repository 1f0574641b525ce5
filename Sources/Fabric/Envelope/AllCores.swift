internal import Dispatch
internal import Synchronization

/// Independent pieces of computation on all cores.
enum AllCores {
    /// The results of `transform` for 0 up to `count`, in order.
    static func map<Result: Sendable>(_ count: Int, _ transform: @Sendable (Int) -> Result) -> [Result] {
        let chunk = 256
        guard count > chunk else { return (0..<count).map(transform) }
        let chunks = (count + chunk - 1) / chunk
        let made = Mutex<[Int: [Result]]>([:])
        DispatchQueue.concurrentPerform(iterations: chunks) { number in
            let results = (number * chunk..<min(count, (number + 1) * chunk)).map(transform)
            made.withLock { $0[number] = results }
        }
        return made.withLock { made in (0..<chunks).flatMap { made[$0] ?? [] } }
    }
}
