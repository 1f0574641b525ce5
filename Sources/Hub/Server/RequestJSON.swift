internal import Dispatch

/// Reads the JSON of requests. What is large is read beside the event loops, one at a time, so that no loop waits for it and
/// it takes no more than one core.
enum RequestJSON {
    /// The most bytes that are read on an event loop.
    static let largestOnLoop = 64 << 10

    private static let queue: DispatchQueue = {
        let queue = DispatchQueue(label: "hub.json")
        queue.setSpecific(key: mark, value: true)
        return queue
    }()
    private static let mark = DispatchSpecificKey<Bool>()

    /// Whether this code runs beside the event loops.
    static var isBesideLoops: Bool { DispatchQueue.getSpecific(key: mark) == true }

    /// What `read` makes of the bytes.
    static func read<Form: Sendable>(
        _ bytes: [UInt8], _ read: @escaping @Sendable ([UInt8]) throws(HubFault) -> Form
    ) async throws(HubFault) -> Form {
        guard bytes.count > largestOnLoop else { return try read(bytes) }
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Form, HubFault>, Never>) in
            queue.async {
                continuation.resume(returning: Result { () throws(HubFault) in try read(bytes) })
            }
        }
        return try result.get()
    }
}
