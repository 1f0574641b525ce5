/// Counts that many changes of one transaction add to, and that are written once at its end.
///
/// They are written in one order by all hubs, so that no two wait for each other's locks in a circle, and last, so that
/// they are locked only while the transaction is committed.
struct Sums: Sendable {
    /// What is counted over the whole store.
    enum Total: String, Sendable, CaseIterable {
        case channelsOpened, channelsClosed, channelsOpen, framesAppended, frameBytes, messagesPushed, messageBytes
        case itemsRefused, agentsRegistered, blobBytes, framesUnsettled, messagesPending
    }

    /// What a mailbox has more or less.
    struct Load: Sendable {
        var unsettled: Int64 = 0
        var bytes: Int64 = 0
    }

    private(set) var totals: [Total: Int64] = [:]
    private(set) var loads: [MailboxName: Load] = [:]
    /// Mailboxes in which something can be taken now.
    private(set) var hints: Set<MailboxName> = []

    mutating func add(_ amount: Int64, to total: Total) { totals[total, default: 0] += amount }

    /// Counts items, and their bytes, in or (negative) out of a mailbox.
    mutating func add(items: Int64, bytes: Int64, to mailbox: MailboxName) {
        loads[mailbox, default: Load()].unsettled += items
        loads[mailbox, default: Load()].bytes += bytes
        if items != 0 { add(items, to: mailbox.kind == .mux ? .framesUnsettled : .messagesPending) }
    }

    mutating func hint(at mailbox: MailboxName) { hints.insert(mailbox) }

    mutating func add(_ other: Sums) {
        for (total, amount) in other.totals { add(amount, to: total) }
        for (mailbox, load) in other.loads {
            loads[mailbox, default: Load()].unsettled += load.unsettled
            loads[mailbox, default: Load()].bytes += load.bytes
        }
        hints.formUnion(other.hints)
    }

    /// The statements that write them.
    /// - Parameter slot: which of the rows of each total: hubs that use different ones do not wait for each other.
    func statements(slot: Int64) -> [SQLStatement] {
        let mailboxes = loads.filter { $0.value.unsettled != 0 || $0.value.bytes != 0 }
            .sorted { ($0.key.kind.code, $0.key.agent) < ($1.key.kind.code, $1.key.agent) }
            .map { mailbox, load in
                SQLStatement(
                    """
                    INSERT INTO mailbox (kind, agent, unsettled, bytes) VALUES (?, ?, ?, ?)
                    ON CONFLICT (kind, agent) DO UPDATE SET
                    unsettled = mailbox.unsettled + excluded.unsettled, bytes = mailbox.bytes + excluded.bytes
                    """, .integer(mailbox.kind.code), .text(mailbox.agent), .integer(load.unsettled),
                    .integer(load.bytes))
            }
        let counts = totals.filter { $0.value != 0 }.sorted { $0.key.rawValue < $1.key.rawValue }.map { total, amount in
            SQLStatement(
                """
                INSERT INTO total (name, slot, amount) VALUES (?, ?, ?)
                ON CONFLICT (name, slot) DO UPDATE SET amount = total.amount + excluded.amount
                """, .text(total.rawValue), .integer(slot), .integer(amount))
        }
        return mailboxes + counts
    }
}
