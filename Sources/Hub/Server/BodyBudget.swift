internal import Synchronization

/// How much memory the bodies of requests may take at once, over all connections.
///
/// Half of it is kept for agents that were proven lately: what others send cannot take that.
final class BodyBudget: Sendable {
    private let left: Atomic<Int>
    private let kept: Int

    /// How many times its bytes a JSON body takes at most: itself, what is read out of it, and what is stored of it.
    static let jsonFactor = 4
    /// How many times its bytes a piece of a blob takes at most: itself, and what is stored of it.
    static let bytesFactor = 2

    init(_ bytes: Int) {
        left = Atomic(bytes)
        kept = bytes / 2
    }

    /// Takes so much; false where there is not that much left.
    ///
    /// - Parameter mayUseAll: Whether what is kept for agents that were proven lately may be taken.
    func take(_ cost: Int, mayUseAll: Bool) -> Bool {
        if left.subtract(cost, ordering: .relaxed).newValue >= (mayUseAll ? 0 : kept) { return true }
        give(cost)
        return false
    }

    /// Gives it back.
    func give(_ cost: Int) { left.add(cost, ordering: .relaxed) }
}
