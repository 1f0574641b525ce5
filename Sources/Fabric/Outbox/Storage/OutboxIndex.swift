internal import GRDB
internal import Glibc
internal import SystemPackage

/// The index of an outbox: one SQLite database that several processes share.
///
/// Every change is one transaction that has the write lock from its beginning and is on stable storage at its end.
/// All calls block.
struct OutboxIndex: Sendable {
    private let queue: DatabaseQueue

    /// How long a process waits for another's transaction, in seconds; each takes milliseconds.
    private static let patience: Double = 30

    /// Opens the index at `path`, making it, or bringing it up to date, where that is needed.
    ///
    /// - Parameter lock: A file whose lock keeps others from doing the same meanwhile.
    init(path: FilePath, lock: OwnedFile) throws(OutboxError) {
        try OutboxError.wrapping { () throws(SystemFailure) in try lock.lock() }
        defer { flock(lock.descriptor, LOCK_UN) }
        // Made here, because SQLite would make it readable for others; its companions get the mode that it has.
        _ = try OutboxError.wrapping { () throws(SystemFailure) in try OwnedFile(path: path, flags: O_RDWR | O_CREAT) }
        do {
            var configuration = Configuration()
            configuration.journalMode = .wal
            configuration.busyMode = .timeout(Self.patience)
            configuration.foreignKeysEnabled = true
            configuration.label = "outbox"
            // Only what the index says itself gets into messages; targets may hold names of people.
            configuration.publicStatementArguments = false
            let queue = try DatabaseQueue(path: path.string, configuration: configuration)
            try queue.writeWithoutTransaction { database in
                // GRDB opens a WAL database with NORMAL, which can lose the last transactions in a power cut.
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try OutboxSchema.migrate(database)
            }
            self.queue = queue
        } catch {
            throw OutboxError(ofIndex: error)
        }
    }

    /// Reads something, as it was at one moment.
    func read<Value>(_ body: (Database) throws -> Value) throws(OutboxError) -> Value {
        do {
            return try queue.read(body)
        } catch {
            throw OutboxError(ofIndex: error)
        }
    }

    /// Changes something, as a whole or not at all.
    func write<Value>(_ body: (Database) throws -> Value) throws(OutboxError) -> Value {
        do {
            return try queue.writeWithoutTransaction { database in
                var value: Value?
                try database.inTransaction(.immediate) {
                    value = try body(database)
                    return .commit
                }
                guard let value else { throw OutboxError.index(code: 21, message: "a transaction did nothing") }
                return value
            }
        } catch {
            throw OutboxError(ofIndex: error)
        }
    }
}

extension OutboxError {
    /// What went wrong in or around the index, as the outbox's own error.
    init(ofIndex error: any Error) {
        switch error {
        case let error as OutboxError: self = error
        case let error as SystemFailure: self = .system(error)
        case let error as DatabaseError:
            self = .index(
                code: error.resultCode.rawValue, message: error.message ?? "SQLite's code \(error.resultCode.rawValue)")
        default: self = .index(code: 1, message: "\(error)")
        }
    }
}
