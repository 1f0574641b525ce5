internal import Fabric

/// What a question to the store can use. Blocks; on the thread of one connection.
class Inquiry {
    let connection: any SQLConnection
    let dialect: SQLDialect
    /// The time at which it was asked, in microseconds since 1970.
    let now: Int64

    init(_ connection: any SQLConnection, dialect: SQLDialect, now: Int64) {
        self.connection = connection
        self.dialect = dialect
        self.now = now
    }

    /// The rows of one statement.
    func rows(_ text: String, _ arguments: SQLValue...) throws(JobFailure) -> [SQLRow] {
        try execute([SQLStatement(text, arguments: arguments)])[0].rows
    }

    /// The first row of one statement.
    func row(_ text: String, _ arguments: SQLValue...) throws(JobFailure) -> SQLRow? {
        try execute([SQLStatement(text, arguments: arguments)])[0].rows.first
    }

    /// Several statements in their order.
    func execute(_ statements: [SQLStatement]) throws(JobFailure) -> [SQLAnswer] {
        guard !statements.isEmpty else { return [] }
        do throws(SQLFailure) {
            return try connection.execute(statements)
        } catch {
            throw .sql(error)
        }
    }
}
