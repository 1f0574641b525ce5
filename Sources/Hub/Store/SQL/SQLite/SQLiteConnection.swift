internal import FoundationEssentials
internal import GRDB
internal import SystemPackage

/// A connection to a SQLite file, over GRDB.
final class SQLiteConnection: SQLConnection {
    private let queue: DatabaseQueue
    private var isInTransaction = false

    /// How long it waits for another process, such as one that copies the file, in seconds.
    private static let patience: Double = 10

    /// Opens the file, which exists.
    init(path: FilePath, writing: Bool) throws(SQLFailure) {
        var configuration = Configuration()
        configuration.busyMode = .timeout(Self.patience)
        configuration.foreignKeysEnabled = false
        configuration.readonly = !writing
        configuration.label = writing ? "hub.writer" : "hub.reader"
        // Arguments are other people's content: never in a message.
        configuration.publicStatementArguments = false
        // A transaction lasts over several calls here.
        configuration.allowsUnsafeTransactions = true
        configuration.maximumReaderCount = 1
        if writing { configuration.journalMode = .wal }
        do {
            queue = try DatabaseQueue(path: path.string, configuration: configuration)
            try queue.writeWithoutTransaction { database in
                // GRDB opens a WAL database with NORMAL, which can lose the last transactions in a power cut.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try database.execute(sql: "PRAGMA cache_size = -16384")
                try database.execute(sql: "PRAGMA journal_size_limit = 67108864")
            }
        } catch {
            throw SQLFailure(ofSQLite: error)
        }
    }

    var isUsable: Bool { true }

    func execute(_ statements: [SQLStatement]) throws(SQLFailure) -> [SQLAnswer] {
        do {
            return try queue.writeWithoutTransaction { database in
                try statements.map { statement in try Self.execute(statement, in: database) }
            }
        } catch {
            throw SQLFailure(ofSQLite: error)
        }
    }

    private static func execute(_ statement: SQLStatement, in database: Database) throws -> SQLAnswer {
        let prepared = try database.cachedStatement(sql: statement.text)
        let arguments = StatementArguments(statement.arguments.map(\.asDatabaseValue))
        guard prepared.columnCount > 0 else {
            try prepared.execute(arguments: arguments)
            return SQLAnswer(rows: [], changes: database.changesCount)
        }
        let width = prepared.columnCount
        let rows = try Row.fetchCursor(prepared, arguments: arguments)
        var result: [SQLRow] = []
        while let row = try rows.next() {
            result.append(SQLRow(values: (0..<width).map { SQLValue(row, $0) }))
        }
        return SQLAnswer(rows: result, changes: database.changesCount)
    }

    func begin(_ access: SQLAccess) throws(SQLFailure) {
        _ = try execute([SQLStatement("BEGIN IMMEDIATE")])
        isInTransaction = true
    }

    func commit() throws(SQLFailure) {
        _ = try execute([SQLStatement("COMMIT")])
        isInTransaction = false
    }

    func rollBack() {
        guard isInTransaction else { return }
        isInTransaction = false
        // Fails where SQLite has rolled back by itself.
        _ = try? execute([SQLStatement("ROLLBACK")])
    }

    func executeScript(_ text: String) throws(SQLFailure) {
        do {
            try queue.writeWithoutTransaction { database in try database.execute(sql: text) }
        } catch {
            throw SQLFailure(ofSQLite: error)
        }
    }

    func close() { try? queue.close() }
}

extension SQLValue {
    var asDatabaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let number): number.databaseValue
        case .real(let number): number.databaseValue
        case .text(let text): text.databaseValue
        case .bytes(let bytes): bytes.withUnsafeBytes { Data($0) }.databaseValue
        }
    }

    init(_ row: Row, _ column: Int) {
        let value: DatabaseValue = row[column]
        switch value.storage {
        case .null: self = .null
        case .int64(let number): self = .integer(number)
        case .double(let number): self = .real(number)
        case .string(let text): self = .text(text)
        case .blob(let data): self = .bytes(Array(data))
        }
    }
}

extension SQLFailure {
    /// By the code, never by the text.
    init(ofSQLite error: any Error) {
        guard let error = error as? DatabaseError else {
            self = .refused(code: "", message: "\(error)")
            return
        }
        let message = error.message ?? "SQLite's code \(error.extendedResultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL: self = .full
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self = .conflict(code: "\(error.extendedResultCode.rawValue)", message: message)
        case .SQLITE_CONSTRAINT: self = .conflict(code: "\(error.extendedResultCode.rawValue)", message: message)
        default: self = .refused(code: "\(error.extendedResultCode.rawValue)", message: message)
        }
    }
}
