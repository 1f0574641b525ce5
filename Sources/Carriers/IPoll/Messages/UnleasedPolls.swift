/// The messages of a server without leases that this process knows of, none of them settled for good: who holds which
/// until when. A value; the time comes in from outside.
struct UnleasedPolls: Sendable {
    /// Tells one time of being held from the next.
    typealias Ticket = UInt64

    private struct Entry: Sendable {
        let message: PollMessage
        /// From when on it can be taken.
        var due: ContinuousClock.Instant
        /// Of whoever holds it; nil while nobody does.
        var holder: Ticket?
    }

    /// In the order in which they are to be taken.
    private var entries: [Entry] = []
    private var lastTicket: Ticket = 0

    /// Adds the messages that are not known.
    mutating func add(_ messages: [PollMessage], at now: ContinuousClock.Instant) {
        for message in messages where !entries.contains(where: { $0.message.id == message.id }) {
            entries.append(Entry(message: message, due: now, holder: nil))
        }
    }

    /// The first message that nobody holds at `now`, held from then on for `lease`.
    mutating func take(at now: ContinuousClock.Instant, for lease: Duration) -> (PollMessage, Ticket)? {
        guard let index = entries.firstIndex(where: { $0.due <= now }) else { return nil }
        lastTicket += 1
        entries[index].holder = lastTicket
        entries[index].due = now + lease
        return (entries[index].message, lastTicket)
    }

    /// Whether the message is still held with this ticket.
    func isHeld(_ id: String, _ ticket: Ticket, at now: ContinuousClock.Instant) -> Bool {
        entries.contains { $0.message.id == id && $0.holder == ticket && $0.due > now }
    }

    /// Goes on holding the message.
    mutating func hold(_ id: String, _ ticket: Ticket, until end: ContinuousClock.Instant) {
        change(id, ticket) { $0.due = end }
    }

    /// Lets the message be taken again from `due` on, after what can be taken now.
    mutating func giveBack(_ id: String, _ ticket: Ticket, due: ContinuousClock.Instant) {
        change(id, ticket) {
            $0.holder = nil
            $0.due = due
        }
    }

    /// The message is settled for good.
    mutating func remove(_ id: String) { entries.removeAll { $0.message.id == id } }

    private mutating func change(_ id: String, _ ticket: Ticket, _ body: (inout Entry) -> Void) {
        guard let index = entries.firstIndex(where: { $0.message.id == id && $0.holder == ticket }) else { return }
        var entry = entries.remove(at: index)
        body(&entry)
        entries.append(entry)
    }
}
