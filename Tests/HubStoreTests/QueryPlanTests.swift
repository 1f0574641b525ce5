import Fabric
import Testing

@testable import Hub

@Suite("What statements cost", .timeLimit(.minutes(5)))
struct QueryPlanTests {
    /// Statements of requests as the store makes them, and the index that each has to use.
    static let statements: [(SQLStatement, String)] =
        WaitingItems(mailbox: MailboxName(.mux, of: "bob"), topics: ["x"]).statements(limit: 1, now: 0)
        .map { ($0, "item_topic") }
        + WaitingItems(mailbox: MailboxName(.mux, of: "bob"), topics: nil).statements(limit: 1, now: 0)
        .map { ($0, "item_waiting") }
        + HistoryQuery(agent: "bob", type: .push).statements.map { ($0, "item_") }
        + HistoryQuery(agent: "bob", session: "s").statements.map { ($0, "item_session") }
        + [(Inquiry.selection([1, 2], Frame.columns), "PRIMARY KEY")]

    @Test("Those of requests find their rows by an index, and sort nothing")
    func plans() async throws {
        let subject = try await StoreSubject.make(.sqlite)
        for (statement, index) in Self.statements {
            let plan = try await subject.store.core.ask { inquiry throws(JobFailure) in
                try inquiry.execute([
                    SQLStatement("EXPLAIN QUERY PLAN " + statement.text, arguments: statement.arguments)
                ])[0].rows.map { $0.text(3) }
            }
            let text = plan.joined(separator: "; ")
            #expect(text.contains(index), "\(statement.text): \(text)")
            #expect(!text.contains("SCAN") && !text.contains("TEMP B-TREE"), "\(statement.text): \(text)")
        }
    }

    @Test("Lists of channels use the index of their filter")
    func channels() async throws {
        let subject = try await StoreSubject.make(.sqlite)
        for (condition, index) in [
            ("target = ? AND closed IS NULL", "channel_target_open"),
            ("target = ? AND live = 1", "channel_target_live"),
            ("target = ? AND intent = ? AND live = 1", "channel_target_intent"),
            ("target = ? AND number > ?", "channel_target"), ("agent = ? AND closed IS NULL", "channel_agent_open"),
            ("agent = ? AND live = 1", "channel_agent_live"),
        ] {
            let text = "EXPLAIN QUERY PLAN SELECT id FROM channel WHERE \(condition) ORDER BY number LIMIT 5"
            let count = condition.count { $0 == "?" }
            let statement = SQLStatement(text, arguments: Array(repeating: .text("x"), count: count))
            let plan = try await subject.store.core.ask { inquiry throws(JobFailure) in
                try inquiry.execute([statement])[0].rows.map { $0.text(3) }.joined(separator: "; ")
            }
            #expect(plan.contains(index), "\(condition): \(plan)")
            #expect(!plan.contains("SCAN"), "\(condition): \(plan)")
        }
    }
}
