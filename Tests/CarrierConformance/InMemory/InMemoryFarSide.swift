public import Fabric
internal import Synchronization

/// A far side that is nothing but memory, and does whatever it is told: the definition of one that works, and of every
/// way in which one can fail. Large objects are kept as digest and size alone.
public final class InMemoryFarSide: FarSide {
    public let route: Route

    let state: Mutex<State>

    struct State: Sendable {
        var objects: [String: PublishedObject] = [:]
        var partials: [Digest: Partial] = [:]
        var staged: Set<Int> = []
        var nextStaged = 0
        var breakage: Breakage?
        var queue = ArrivalQueue()
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }

    /// What is left of a delivery that was cut off.
    struct Partial: Sendable {
        var hasher: DigestHasher
        var size: Int64
    }

    /// An empty far side with an address of its own.
    public init() {
        route = Route(scheme: "memory", address: "memory:" + Hexadecimal.random())
        state = Mutex(State())
    }

    public func publishedNames() async throws -> [String] { state.withLock { Array($0.objects.keys) } }

    public func object(named name: String) async throws -> PublishedObject? { state.withLock { $0.objects[name] } }

    public func leftovers() async throws -> [String] { state.withLock { $0.staged.map { ".\($0).part" } } }

    public func suffer(_ breakage: Breakage) async throws { state.withLock { $0.breakage = breakage } }

    public func mend() async throws { state.withLock { $0.breakage = nil } }

    public func offer(_ offer: Offer) async throws { change { $0.queue.add(offer) } }

    public func passTime(_ duration: Duration) async throws { change { $0.queue.now += duration } }

    var breakage: Breakage? { state.withLock { $0.breakage } }

    /// Changes what can be offered, and wakes everybody who waits for it.
    func change<Value: Sendable, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let (result, waiters) = state.withLock { state in
            let result = Result { () throws(Failure) in try body(&state) }
            let waiters = Array(state.waiters.values)
            state.waiters = [:]
            return (result, waiters)
        }
        for waiter in waiters { waiter.resume() }
        return try result.get()
    }

    /// Where `digest` is stored under `name` or beside it; nil when it is not. The next free name otherwise.
    static func place(_ name: ArrivalName, _ digest: Digest, in state: State) -> (name: String, isHeld: Bool)? {
        let candidates =
            [name.text] + [8, 16, 64].compactMap { name.distinguished(by: String(digest.hex.prefix($0)))?.text }
        for candidate in candidates {
            guard let object = state.objects[candidate] else { return (candidate, false) }
            if object.digest == digest { return (candidate, true) }
        }
        return nil
    }
}

/// Offers, who holds them, and until when: a value, with time as a number in it.
struct ArrivalQueue: Sendable {
    /// How long a taker may hold an arrival.
    static let lease = Duration.seconds(30)

    var now: Duration = .zero
    private var items: [Item] = []
    private var nextTicket = 0

    private struct Item: Sendable {
        let offer: Offer
        /// Nobody may take it before.
        var freeFrom: Duration = .zero
        /// Who took it last.
        var ticket = 0
        var isOver = false
    }

    mutating func add(_ offer: Offer) { items.append(Item(offer: offer)) }

    /// Takes the first that is free; offers that cannot be are refused on the way.
    mutating func take() -> (offer: Offer, name: ArrivalName, ticket: Int)? {
        for index in items.indices where !items[index].isOver && items[index].freeFrom <= now {
            guard let name = ArrivalName(items[index].offer.name), items[index].offer.claimedSize >= 0 else {
                items[index].isOver = true
                continue
            }
            nextTicket += 1
            items[index].ticket = nextTicket
            items[index].freeFrom = now + Self.lease
            return (items[index].offer, name, nextTicket)
        }
        return nil
    }

    /// Does what the holder of `ticket` says.
    mutating func settle(_ ticket: Int, _ settlement: Settlement) throws(SettlementError) {
        guard let index = items.firstIndex(where: { $0.ticket == ticket }), !items[index].isOver,
            items[index].freeFrom > now
        else { throw .leaseLost }
        switch settlement {
        case .commit, .refuse: items[index].isOver = true
        case .extend(let duration): items[index].freeFrom = now + duration
        case .release(let duration):
            items[index].freeFrom = now + duration
            items[index].ticket = 0
        }
    }
}
