internal import GRDB

/// Single numbers that the index remembers, for example when it was swept last.
enum IndexNotes {
    static func value(_ name: String, in database: Database) throws -> Int64? {
        try Int64.fetchOne(database, sql: "SELECT value FROM note WHERE name = ?", arguments: [name])
    }

    static func set(_ name: String, to value: Int64, in database: Database) throws {
        try database.execute(
            sql: "INSERT INTO note (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            arguments: [name, value])
    }
}
