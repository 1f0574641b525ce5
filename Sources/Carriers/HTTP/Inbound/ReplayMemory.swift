internal import Fabric

/// Remembers signed deliveries, so that a captured request that comes again is answered and not stored again
/// (`http-inbox.md`, section 6, row 6).
///
/// A signature says nothing about the name, so a replay under another name is recognised as well. Kept for twice the
/// window, since a timestamp may lie in the future, also over a restart where there is a journal; bounded, and then the
/// oldest is forgotten.
actor ReplayMemory {
    /// What identifies a signed delivery.
    struct Key: Hashable, Sendable {
        let signer: PublicKey
        let timestamp: String
        let digest: Digest
    }

    /// How many deliveries are remembered at most.
    static let capacity = 65_536

    private enum Entry {
        case underWay([CheckedContinuation<Void, Never>])
        case done(Publication)
    }

    private let lifetime: Duration
    private let capacity: Int
    private let journal: LineJournal?
    private let work: BlockingWork
    private var entries: [Key: Entry] = [:]
    private var order: [(key: Key, expiry: ContinuousClock.Instant)] = []

    /// A memory that begins with what the journal has.
    ///
    /// - Parameters:
    ///   - window: How far a signature's timestamp may be from this machine's clock.
    ///   - journal: Where what is remembered outlives the process; it keeps lines for `lifetime(of: window)`.
    ///   - work: Runs what blocks.
    init(
        window: Duration, capacity: Int = ReplayMemory.capacity, journal: LineJournal? = nil,
        work: BlockingWork = .shared
    ) {
        lifetime = Self.lifetime(of: window)
        self.capacity = capacity
        self.journal = journal
        self.work = work
        let (now, seconds) = (ContinuousClock.now, Timestamp.now().seconds)
        for (date, line) in journal?.earlier ?? [] {
            guard let (key, publication) = ReplayLine.parse(line) else { continue }
            let age = Duration.seconds(max(0, seconds - date))
            if entries.updateValue(.done(publication), forKey: key) == nil { order.append((key, now + lifetime - age)) }
        }
    }

    /// For how long a delivery is remembered.
    static func lifetime(of window: Duration) -> Duration { max(.zero, window * 2) }

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
    func settle(_ key: Key, with publication: Publication?) async {
        if let publication, let journal {
            let line = ReplayLine.text(of: key, publication)
            // On a disk that does not take it, this process remembers it all the same.
            await work.run { try? journal.append(line) }
        }
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

/// One remembered delivery as a line of the journal: key, timestamp, digest, size, requested and stored name.
private enum ReplayLine {
    static func text(of key: ReplayMemory.Key, _ publication: Publication) -> String {
        [
            key.signer.hex, key.timestamp, key.digest.hex, String(publication.size), publication.requestedName.text,
            publication.storedName.text,
        ].joined(separator: " ")
    }

    static func parse(_ line: String) -> (ReplayMemory.Key, Publication)? {
        let parts = line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, let signer = PublicKey(hex: parts[0]), let digest = Digest(hex: parts[2]),
            let size = Int64(parts[3]), let requested = ArrivalName(parts[4]), let stored = ArrivalName(parts[5])
        else { return nil }
        return (
            ReplayMemory.Key(signer: signer, timestamp: parts[1], digest: digest),
            Publication(
                outcome: .created, requestedName: requested, storedName: stored, digest: digest, size: size)
        )
    }
}
