internal import Synchronization

/// How many bytes of bodies may be in memory at once, over all connections.
final class BodyBudget: Sendable {
    private let left: Atomic<Int>

    init(_ bytes: Int) { left = Atomic(bytes) }

    /// Takes so many; false where there are not that many left.
    func take(_ count: Int) -> Bool {
        if left.subtract(count, ordering: .relaxed).newValue >= 0 { return true }
        give(count)
        return false
    }

    /// Gives them back.
    func give(_ count: Int) { left.add(count, ordering: .relaxed) }
}
