/// Where a frame or a message stands.
package enum ItemState: String, Sendable, CaseIterable {
    /// Whoever asks next gets it.
    case waiting
    /// Somebody has a lease on it, or it was released until later.
    case held
    /// Its receiver has it. A message is then `read`.
    case committed
    /// Its receiver will never take it; kept with the reason for a person to look at.
    case refused

    /// The number that stands for it in the store. Never changed.
    var code: Int64 {
        switch self {
        case .waiting: 0
        case .held: 1
        case .committed: 2
        case .refused: 3
        }
    }

    init?(code: Int64) {
        guard let state = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = state
    }
}
