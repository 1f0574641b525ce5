internal import Dispatch
internal import GRDB
internal import GRDBSQLite
internal import Synchronization
internal import SystemPackage

/// Copies what was committed from the log into the file, beside the writer: if the writer did it, as SQLite has it, every
/// few dozen commits would take ten times as long as the others.
///
/// On a thread and a connection of its own. Only where commits follow each other so closely that it never catches up does
/// the writer do the rest itself, before the log is larger than it is meant to be.
final class SQLiteCheckpoints: Sendable {
    private struct State {
        /// Pages from the beginning of the log that are in the file.
        var copied: Int32 = 0
        var isCopying = false
    }

    /// Pages of 4 KiB that are worth the syncs.
    private static let portion: Int32 = 256
    /// Pages of the log at which the writer helps: 48 MiB.
    private static let most: Int32 = 12_288

    private let queue = DispatchQueue(label: "hub.checkpoints")
    private let database: DatabaseQueue
    private let state = Mutex(State())

    init(path: FilePath, configuration: Configuration) throws {
        database = try DatabaseQueue(path: path.string, configuration: configuration)
        try database.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
    }

    /// Is told of every commit on this connection from now on. Must outlive it.
    func watch(_ writer: Database) {
        sqlite3_wal_hook(
            writer.sqliteConnection,
            { context, connection, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<SQLiteCheckpoints>.fromOpaque(context).takeUnretainedValue().committed(pages, connection)
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Waits for what it is at, and ends.
    func close() {
        queue.sync {}
        try? database.close()
    }

    private func committed(_ pages: Int32, _ writer: OpaquePointer?) {
        let (begins, helps) = state.withLock { state in
            // The log begins anew once all of it was copied.
            if pages < state.copied { state.copied = 0 }
            guard !state.isCopying, pages - state.copied >= Self.portion else { return (false, false) }
            if pages >= Self.most { return (false, true) }
            state.isCopying = true
            return (true, false)
        }
        if helps { note(Self.copy(writer)) }
        if begins {
            queue.async { [self] in
                note(database.writeWithoutTransaction { Self.copy($0.sqliteConnection) })
            }
        }
    }

    private func note(_ copied: Int32?) {
        state.withLock { state in
            state.isCopying = false
            if let copied { state.copied = copied }
        }
    }

    /// How many pages of the log are in the file now; nil where nothing could be done, which the next commit tries again.
    private static func copy(_ connection: OpaquePointer?) -> Int32? {
        var copied: Int32 = 0
        let code = sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, &copied)
        return code == SQLITE_OK ? copied : nil
    }
}
