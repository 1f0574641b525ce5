internal import HTTPTypes
internal import Synchronization

/// Counts the bodies that come in at once.
final class UploadSlots: Sendable {
    private let limit: Int
    private let used = Mutex(0)

    init(limit: Int) { self.limit = limit }

    /// Takes a slot.
    ///
    /// - Returns: What gives it back; to be called once.
    /// - Throws: 429 when none is free.
    func take() throws(Refusal) -> () -> Void {
        let isFree = used.withLock { used in
            guard used < limit else { return false }
            used += 1
            return true
        }
        guard isFree else {
            throw Refusal(.tooManyRequests, "busy", "\(limit) uploads are under way").with(.retryAfter, "1")
        }
        return { self.used.withLock { $0 -= 1 } }
    }
}
