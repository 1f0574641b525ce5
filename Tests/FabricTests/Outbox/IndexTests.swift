import Foundation
import GRDB
import SystemPackage
import Testing

@testable import Fabric

/// A hundred thousand deliveries: what is asked often is answered from an index.
@Suite("The outbox's index")
struct IndexTests {
    let fixture: OutboxFixture
    let outbox: Outbox
    static let count = 100_000

    init() throws {
        fixture = try OutboxFixture()
        outbox = try fixture.open()
    }

    /// What SQLite is going to do for a statement.
    private func plan(_ sql: String, _ arguments: StatementArguments) throws -> String {
        try outbox.index.read { database in
            try Row.fetchAll(database, sql: "EXPLAIN QUERY PLAN " + sql, arguments: arguments)
                .map { $0["detail"] as String }.joined(separator: "; ")
        }
    }

    @Test("Choosing the next and listing read an index in its order, and sort nothing")
    func plans() throws {
        try OutboxFiller.fill(outbox, count: Self.count)
        let statements: [(sql: String, arguments: StatementArguments, index: String)] = [
            (Outbox.nextDue, [fixture.clock.now], "delivery_due"),
            (Outbox.nextExpiry, [], "delivery_expiry"),
            (Outbox.listing(.open), [0, 50], "delivery_open"),
            (Outbox.listing(.state(.queued)), [0, 50], "delivery_state"),
            (Outbox.listing(.state(.delivered)), [50_000, 50], "delivery_state"),
        ]
        for (sql, arguments, index) in statements {
            let plan = try plan(sql, arguments)
            #expect(plan.contains("USING INDEX \(index)") || plan.contains("USING COVERING INDEX \(index)"), "\(plan)")
            #expect(!plan.contains("TEMP B-TREE"), "\(plan)")
            #expect(!plan.contains("SCAN envelope"), "\(plan)")
        }
        let all = try plan(Outbox.listing(.all), [0, 50])
        #expect(all.contains("SEARCH delivery USING INTEGER PRIMARY KEY"), "\(all)")
        #expect(!all.contains("TEMP B-TREE"))
        let one = try plan("SELECT \(IndexRows.entryColumns) WHERE delivery.id = ?", ["x"])
        #expect(!one.contains("SCAN"), "\(one)")
    }

    @Test("Pages go through everything once, in order")
    func pages() throws {
        try OutboxFiller.fill(outbox, count: 2500)
        var seen: [OutboxID] = []
        while true {
            let page = try outbox.list(.open, limit: 400, after: seen.last)
            if page.isEmpty { break }
            seen += page.map(\.id)
        }
        #expect(seen.count == 2500)
        #expect(Set(seen).count == 2500)
    }

    @Test("With so many waiting the longest due is claimed first")
    func claims() throws {
        try OutboxFiller.fill(outbox, count: Self.count)
        let number = 70_123
        try outbox.index.write { database in
            try database.execute(sql: "UPDATE delivery SET due = 1 WHERE number = ?", arguments: [number])
        }
        guard case .claimed(let claim) = try outbox.claimNext() else {
            Issue.record("nothing was claimed")
            return
        }
        let claimed = try outbox.index.read { try outbox.number(claim.entry.id, in: $0) }
        #expect(claimed == Int64(number))
    }
}

/// Fills an index with deliveries that were never sealed.
enum OutboxFiller {
    static func fill(_ outbox: Outbox, count: Int) throws {
        let now = outbox.now
        try outbox.index.write { database in
            try database.execute(
                sql: """
                    WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x + 1 < ?)
                    INSERT INTO envelope (digest, transfer_id, name, size)
                    SELECT printf('%064x', x), printf('00000000-0000-4000-8000-%012x', x),
                        '20260514t064148z.n' || x || '.claude.normal.tza', 4096 FROM n
                    """, arguments: [count])
            try database.execute(
                sql: """
                    WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x + 1 < ?)
                    INSERT INTO delivery (id, digest, target, uses_lookup, wanted, state, since, created, due)
                    SELECT printf('%08d', x), printf('%064x', x), 'fake:one', 1, 0, 'queued', ?, ?, ? - x FROM n
                    """, arguments: [count, now, now, now])
        }
    }
}
