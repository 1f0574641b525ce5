internal import GRDB
internal import GRDBSQLite
internal import SystemPackage

/// A connection to a SQLite file, over GRDB.
final class SQLiteConnection: SQLConnection {
    private let queue: DatabaseQueue
    private let checkpoints: SQLiteCheckpoints?
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
            guard writing else {
                checkpoints = nil
                return
            }
            configuration.label = "hub.checkpoints"
            let checkpoints = try SQLiteCheckpoints(path: path, configuration: configuration)
            queue.writeWithoutTransaction { checkpoints.watch($0) }
            self.checkpoints = checkpoints
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

    /// Runs a statement by SQLite's own calls: on the way of every message, GRDB's general ones cost more than SQLite does.
    private static func execute(_ statement: SQLStatement, in database: Database) throws -> SQLAnswer {
        let prepared = try database.cachedStatement(sql: statement.text).sqliteStatement
        defer {
            sqlite3_reset(prepared)
            sqlite3_clear_bindings(prepared)
        }
        for (index, value) in statement.arguments.enumerated() {
            let code = value.bind(to: prepared, at: Int32(index + 1))
            guard code == SQLITE_OK else { throw failure(code, in: database) }
        }
        let width = sqlite3_column_count(prepared)
        var rows: [SQLRow] = []
        while true {
            let code = sqlite3_step(prepared)
            if code == SQLITE_DONE { break }
            guard code == SQLITE_ROW else { throw failure(code, in: database) }
            rows.append(SQLRow(values: (0..<width).map { SQLValue(prepared, $0) }))
        }
        return SQLAnswer(rows: rows, changes: database.changesCount)
    }

    private static func failure(_ code: Int32, in database: Database) -> DatabaseError {
        let message = sqlite3_errmsg(database.sqliteConnection).map { String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
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

    func close() {
        try? queue.close()
        checkpoints?.close()
    }
}

extension SQLValue {
    /// Binds it as an argument, counted from 1. Returns SQLite's code.
    func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
        // SQLite copies what it is given (SQLITE_TRANSIENT, which as a cast of -1 is not imported).
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch self {
        case .null: return sqlite3_bind_null(statement, index)
        case .integer(let number): return sqlite3_bind_int64(statement, index, number)
        case .real(let number): return sqlite3_bind_double(statement, index, number)
        case .text(""): return sqlite3_bind_text(statement, index, "", 0, copied)
        case .text(var text):
            return text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    sqlite3_bind_text64(
                        statement, index, characters.baseAddress, UInt64(characters.count), copied,
                        UInt8(SQLITE_UTF8))
                }
            }
        case .bytes(let bytes):
            guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(statement, index, 0) }
            return bytes.withUnsafeBytes {
                sqlite3_bind_blob64(statement, index, $0.baseAddress, UInt64($0.count), copied)
            }
        }
    }

    /// The value in a column of the present row, counted from 0.
    init(_ statement: OpaquePointer, _ column: Int32) {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: self = .integer(sqlite3_column_int64(statement, column))
        case SQLITE_FLOAT: self = .real(sqlite3_column_double(statement, column))
        case SQLITE_TEXT:
            let text = sqlite3_column_text(statement, column)
            let bytes = UnsafeBufferPointer(start: text, count: Int(sqlite3_column_bytes(statement, column)))
            self = .text(String(decoding: bytes, as: UTF8.self))
        case SQLITE_BLOB:
            let blob = sqlite3_column_blob(statement, column)
            self = .bytes(
                Array(UnsafeRawBufferPointer(start: blob, count: Int(sqlite3_column_bytes(statement, column)))))
        default: self = .null
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
