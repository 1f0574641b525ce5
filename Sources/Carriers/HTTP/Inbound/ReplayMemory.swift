internal import Fabric

/// Remembers signed deliveries, so that a captured request that comes again is answered and not stored again
/// (`http-inbox.md`, section 6, row 6).
///
/// A signature says nothing about the name, so a replay under another name is recognised as well. Kept for twice the
/// window, since a timestamp may lie in the future; bounded, and then the oldest is forgotten.
actor ReplayMemory {
    /// What identifies a signed delivery.
    struct Key: Hashable, Sendable {
        let signer: PublicKey
        let timestamp: String
        let digest: Digest
    }

    private enum Entry {
        case underWay([CheckedContinuation<Void, Never>])
        case done(Publication)
    }

    private let lifetime: Duration
    private let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var order: [(key: Key, expiry: ContinuousClock.Instant)] = []

    init(window: Duration, capacity: Int = 65_536) {
        lifetime = window * 2
        self.capacity = capacity
    }

    /// What became of the same delivery before; nil when there was none, and then the caller must `settle`. A caller
    /// that comes while another is at it waits for the outcome.
    func claim(_ key: Key) async -> Publication? {
        while true {
            forgetExpired()
            switch entries[key] {
            case nil:
                entries[key] = .underWay([])
                return nil
            case .done(let publication): return publication
            case .underWay:
                await withCheckedContinuation { continuation in
                    guard case .underWay(let waiting) = entries[key] else { return continuation.resume() }
                    entries[key] = .underWay(waiting + [continuation])
                }
            }
        }
    }

    /// What became of the same delivery before; nil when there was none, or it is still under way.
    func outcome(of key: Key) -> Publication? {
        forgetExpired()
        if case .done(let publication) = entries[key] { return publication }
        return nil
    }

    /// Tells what became of a claimed delivery; nil when nothing was stored, so that it may be tried again.
    func settle(_ key: Key, with publication: Publication?) {
        guard case .underWay(let waiting) = entries[key] else { return }
        if let publication {
            entries[key] = .done(publication)
            order.append((key, .now + lifetime))
        } else {
            entries[key] = nil
        }
        for continuation in waiting { continuation.resume() }
    }

    private func forgetExpired() {
        let now = ContinuousClock.now
        let expired = order.prefix { $0.expiry <= now }.count
        let excess = max(expired, order.count - capacity)
        guard excess > 0 else { return }
        for entry in order.prefix(excess) { entries[entry.key] = nil }
        order.removeFirst(excess)
    }
}
