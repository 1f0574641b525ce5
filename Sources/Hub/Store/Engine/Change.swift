/// What a change to the store can use: statements, and sums that are written once for all changes of a transaction.
final class Change: Inquiry {
    /// Whether a statement may have changed something, so that only undoing the transaction undoes this change.
    private(set) var hasChanged = false
    /// What it adds to the sums.
    var sums = Sums()
    /// What those before it in the transaction add.
    let earlier: Sums

    init(_ connection: any SQLConnection, dialect: SQLDialect, now: Int64, earlier: Sums) {
        self.earlier = earlier
        super.init(connection, dialect: dialect, now: now)
    }

    /// Statements that change something.
    func change(_ statements: [SQLStatement]) throws(JobFailure) -> [SQLAnswer] {
        hasChanged = hasChanged || !statements.isEmpty
        return try execute(statements)
    }

    /// One statement that changes something. One that finds no row to change has changed nothing.
    func change(_ text: String, _ arguments: SQLValue...) throws(JobFailure) -> SQLAnswer {
        let answer = try execute([SQLStatement(text, arguments: arguments)])[0]
        if answer.changes > 0 { hasChanged = true }
        return answer
    }
}
