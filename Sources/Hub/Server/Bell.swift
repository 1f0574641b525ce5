internal import Fabric
internal import NIOCore
internal import Synchronization

/// Tells those who wait at a mailbox that something may have come.
final class Bell: Sendable {
    /// One who waits.
    private struct Place {
        let waiter: Waiter
        /// What it is to take; nil for one who only looks.
        let wish: String?
    }

    private struct State {
        var places: [MailboxName: [ObjectIdentifier: Place]] = [:]
        /// When a mailbox is rung in any case: the earliest time for each.
        var dues: [MailboxName: Timestamp] = [:]
        var count = 0
        var hasStopped = false
    }

    private let state = Mutex(State())

    /// How many wait.
    var count: Int { state.withLock { $0.count } }

    /// Rings `waiter` from now on; ends it where the hub is about to stop.
    ///
    /// - Parameter wish: for one who takes what it finds: the same for all who would take the same. One of them is rung for
    ///   what has come, as the others would find nothing left; `remove` says whether the next is to be.
    func add(_ waiter: Waiter, at mailbox: MailboxName, taking wish: String? = nil) {
        let hasStopped = state.withLock { state in
            state.places[mailbox, default: [:]][ObjectIdentifier(waiter)] = Place(waiter: waiter, wish: wish)
            state.count += 1
            return state.hasStopped
        }
        if hasStopped { waiter.end() }
    }

    /// Rings `waiter` no more.
    ///
    /// - Parameter leavesSome: whether there may be something that it has not taken, and that another with the same wish is
    ///   to look for. One that leaves without having heeded its last ring always does.
    func remove(_ waiter: Waiter, at mailbox: MailboxName, leavesSome: Bool = false) {
        state.withLock { state in
            guard let place = state.places[mailbox]?.removeValue(forKey: ObjectIdentifier(waiter)) else { return }
            state.count -= 1
            if state.places[mailbox]?.isEmpty == true { state.places[mailbox] = nil }
            guard let wish = place.wish, leavesSome || waiter.isRung else { return }
            Self.taker(of: wish, among: state.places[mailbox])?.ring()
        }
    }

    /// Whether anybody waits there.
    func isHeard(at mailbox: MailboxName) -> Bool { state.withLock { $0.places[mailbox] != nil } }

    /// Rings everybody there who looks, and of those who take the same, one.
    func ring(_ mailbox: MailboxName) {
        // Under the lock: one that was chosen must not leave before it is rung.
        state.withLock { state in
            guard let places = state.places[mailbox] else { return }
            for place in places.values where place.wish == nil { place.waiter.ring() }
            for wish in Set(places.values.compactMap(\.wish)) { Self.taker(of: wish, among: places)?.ring() }
        }
    }

    /// Rings there at a time as well, a moment late rather than early.
    ///
    /// It is the mailbox that is rung: whoever knew of the time may have left by then.
    func ring(_ mailbox: MailboxName, at due: Timestamp, on eventLoop: any EventLoop) {
        let isNew = state.withLock { state in
            if let known = state.dues[mailbox], known <= due { return false }
            state.dues[mailbox] = due
            return true
        }
        guard isNew else { return }
        let time = max(.zero, due.distance(from: .now())) + .milliseconds(2)
        eventLoop.scheduleTask(in: TimeAmount(time)) { [weak self] in
            guard let self else { return }
            state.withLock { state in
                if state.dues[mailbox] == due { state.dues[mailbox] = nil }
            }
            ring(mailbox)
        }
    }

    /// One who would take that: one who has nothing else to look at now, if there is one.
    private static func taker(of wish: String, among places: [ObjectIdentifier: Place]?) -> Waiter? {
        guard let places else { return nil }
        var busy: Waiter?
        for place in places.values where place.wish == wish {
            if place.waiter.isIdle { return place.waiter }
            busy = place.waiter
        }
        return busy
    }

    /// Rings everybody: nobody knows who missed something.
    func ringAll() {
        for waiter in all() { waiter.ring() }
    }

    /// Ends every wait, and those that begin later.
    func stop() {
        state.withLock { $0.hasStopped = true }
        for waiter in all() { waiter.end() }
    }

    private func all() -> [Waiter] { state.withLock { $0.places.values.flatMap { $0.values.map(\.waiter) } } }
}

extension Timestamp {
    /// How long after `other` this is; negative where it is before.
    fileprivate func distance(from other: Timestamp) -> Duration {
        .seconds(seconds - other.seconds) + .nanoseconds(Int64(nanoseconds) - Int64(other.nanoseconds))
    }
}
