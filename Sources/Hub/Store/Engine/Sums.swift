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
    /// What the accounts of senders have more or less; that of unproven senders has the empty name.
    private(set) var accounts: [String: Load] = [:]
    /// Mailboxes in which something can be taken now.
    private(set) var hints: Set<MailboxName> = []

    mutating func add(_ amount: Int64, to total: Total) { totals[total, default: 0] += amount }

    /// Counts items, and their bytes, in or (negative) out of a mailbox.
    mutating func add(items: Int64, bytes: Int64, to mailbox: MailboxName) {
        loads[mailbox, default: Load()].unsettled += items
        loads[mailbox, default: Load()].bytes += bytes
    }

    /// Counts rows, and their bytes, in or (negative) out of an account.
    mutating func add(items: Int64, bytes: Int64, toAccount name: String) {
        accounts[name, default: Load()].unsettled += items
        accounts[name, default: Load()].bytes += bytes
    }

    mutating func hint(at mailbox: MailboxName) { hints.insert(mailbox) }

    mutating func add(_ other: Sums) {
        for (total, amount) in other.totals { add(amount, to: total) }
        for (mailbox, load) in other.loads {
            loads[mailbox, default: Load()].unsettled += load.unsettled
            loads[mailbox, default: Load()].bytes += load.bytes
        }
        for (name, load) in other.accounts { add(items: load.unsettled, bytes: load.bytes, toAccount: name) }
        hints.formUnion(other.hints)
    }

    /// The statements that write them.
    /// - Parameter slot: which of the rows of each total: hubs that use different ones do not wait for each other.
    func statements(slot: Int64) -> [SQLStatement] {
        let mailboxes = loads.filter { $0.value.unsettled != 0 || $0.value.bytes != 0 }
            .sorted { ($0.key.kind.code, $0.key.agent) < ($1.key.kind.code, $1.key.agent) }
        let counts = totals.filter { $0.value != 0 }.sorted { $0.key.rawValue < $1.key.rawValue }
        var statements: [SQLStatement] = []
        for some in mailboxes.pieces(of: Self.mostRows) {
            statements.append(
                SQLStatement(
                    """
                    INSERT INTO mailbox (kind, agent, unsettled, bytes) VALUES \(Self.places(4, rows: some.count))
                    ON CONFLICT (kind, agent) DO UPDATE SET
                    unsettled = mailbox.unsettled + excluded.unsettled, bytes = mailbox.bytes + excluded.bytes
                    """,
                    arguments: some.flatMap { mailbox, load -> [SQLValue] in
                        [
                            .integer(mailbox.kind.code), .text(mailbox.agent), .integer(load.unsettled),
                            .integer(load.bytes),
                        ]
                    }))
        }
        statements += accountStatements
        if !counts.isEmpty {
            statements.append(
                SQLStatement(
                    """
                    INSERT INTO total (name, slot, amount) VALUES \(Self.places(3, rows: counts.count))
                    ON CONFLICT (name, slot) DO UPDATE SET amount = total.amount + excluded.amount
                    """,
                    arguments: counts.flatMap { total, amount -> [SQLValue] in
                        [.text(total.rawValue), .integer(slot), .integer(amount)]
                    }))
        }
        return statements
    }

    private var accountStatements: [SQLStatement] {
        let changed = accounts.filter { $0.value.unsettled != 0 || $0.value.bytes != 0 }.sorted { $0.key < $1.key }
        return changed.pieces(of: Self.mostRows).map { some in
            SQLStatement(
                """
                INSERT INTO account (agent, items, bytes) VALUES \(Self.places(3, rows: some.count))
                ON CONFLICT (agent) DO UPDATE SET
                items = account.items + excluded.items, bytes = account.bytes + excluded.bytes
                """,
                arguments: some.flatMap { name, load -> [SQLValue] in
                    [.text(name), .integer(load.unsettled), .integer(load.bytes)]
                })
        }
    }

    /// How many rows one statement writes: each number of rows is another text to be kept prepared.
    private static let mostRows = 16

    /// `(?, ?), (?, ?)` for so many rows of so many values.
    private static func places(_ values: Int, rows: Int) -> String {
        repeatElement(ItemChoice.places(values), count: rows).joined(separator: ", ")
    }
}

extension Array {
    /// The elements in their order, in pieces of at most so many.
    fileprivate func pieces(of count: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: count).map { self[$0..<Swift.min($0 + count, self.count)] }
    }
}
