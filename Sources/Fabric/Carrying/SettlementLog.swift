internal import Synchronization

/// What was said about one arrival, shared by its copies: obligation 21 for carriers whose far side is told.
public final class SettlementLog: Sendable {
    private let record = Mutex(SettlementRecord())

    /// Nothing has been said yet.
    public init() {}

    /// The final settlement; nil while there is none.
    public var final: Settlement? { record.withLock { $0.final } }

    /// Has the far side told `settlement`, unless it was told the like before.
    ///
    /// - Throws: `settledOtherwise` when it was told something else, and what `tell` throws. Where that says that something
    ///   else was told, whoever asks again with that word gets the same answer without another question.
    public func settle(
        _ settlement: Settlement, _ tell: () async throws(SettlementError) -> Void
    ) async throws(SettlementError) {
        let isNew = try record.withLock { record throws(SettlementError) in try record.needs(settlement) }
        guard isNew else { return }
        do throws(SettlementError) {
            try await tell()
        } catch {
            if case .settledOtherwise(let first) = error { record.withLock { $0.told(first) } }
            throw error
        }
        record.withLock { $0.told(settlement) }
    }
}
