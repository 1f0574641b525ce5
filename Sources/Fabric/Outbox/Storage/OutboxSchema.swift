internal import GRDB

/// The tables of the index, and how they came about. `user_version` counts the steps that were taken.
///
/// Times are milliseconds since 1970 in UTC, but for leases: those count from the start of the machine.
enum OutboxSchema {
    /// The steps in their order. What was released is never changed; what is new is a new step.
    static let steps = [first, second, third]

    /// Takes the steps that were not taken yet.
    static func migrate(_ database: Database) throws {
        let version = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard version <= steps.count else { throw OutboxError.newerIndex(version: version) }
        guard version < steps.count else { return }
        try database.inTransaction(.immediate) {
            for step in steps[version...] { try database.execute(sql: step) }
            try database.execute(sql: "PRAGMA user_version = \(steps.count)")
            return .commit
        }
    }

    /// Options as one JSON object, from each name to a list of texts; NULL for none.
    private static let second = "ALTER TABLE delivery ADD COLUMN options TEXT"

    /// What the receiver signed, as text; NULL for nothing.
    private static let third = "ALTER TABLE receipt ADD COLUMN signed TEXT"

    private static let first = """
        CREATE TABLE envelope (
            digest TEXT PRIMARY KEY NOT NULL,
            transfer_id TEXT NOT NULL,
            name TEXT NOT NULL,
            size INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX envelope_transfer ON envelope(transfer_id);
        CREATE INDEX envelope_name ON envelope(name);

        CREATE TABLE delivery (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            digest TEXT NOT NULL REFERENCES envelope(digest),
            target TEXT NOT NULL,
            transport TEXT,
            minimum_trust REAL,
            uses_lookup INTEGER NOT NULL,
            wanted INTEGER NOT NULL,
            state TEXT NOT NULL,
            reason TEXT,
            since INTEGER NOT NULL,
            created INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            plan_failures INTEGER NOT NULL DEFAULT 0,
            due INTEGER,
            expiry INTEGER,
            reached INTEGER,
            receiver_key TEXT,
            lease_owner TEXT,
            lease_until INTEGER,
            wish TEXT
        ) STRICT;
        CREATE INDEX delivery_due ON delivery(due, number) WHERE state = 'queued';
        CREATE INDEX delivery_sending ON delivery(number) WHERE state = 'sending';
        CREATE INDEX delivery_state ON delivery(state, number);
        CREATE INDEX delivery_open ON delivery(number)
            WHERE state IN ('queued', 'sending', 'held', 'waiting', 'quarantined');
        CREATE INDEX delivery_over ON delivery(since) WHERE state IN ('delivered', 'expired', 'cancelled');
        CREATE INDEX delivery_expiry ON delivery(expiry)
            WHERE expiry IS NOT NULL AND state IN ('queued', 'held', 'waiting');
        CREATE INDEX delivery_digest ON delivery(digest);

        CREATE TABLE attempt (
            number INTEGER PRIMARY KEY,
            delivery INTEGER NOT NULL REFERENCES delivery(number) ON DELETE CASCADE,
            scheme TEXT NOT NULL,
            address TEXT NOT NULL,
            origin TEXT NOT NULL,
            started INTEGER NOT NULL,
            ended INTEGER,
            outcome TEXT,
            action TEXT,
            strength INTEGER,
            explanation TEXT
        ) STRICT;
        CREATE INDEX attempt_delivery ON attempt(delivery, number);

        CREATE TABLE route (
            delivery INTEGER NOT NULL REFERENCES delivery(number) ON DELETE CASCADE,
            scheme TEXT NOT NULL,
            address TEXT NOT NULL,
            failures INTEGER NOT NULL,
            not_before INTEGER,
            ruled_out INTEGER NOT NULL,
            reason TEXT NOT NULL,
            PRIMARY KEY (delivery, scheme, address)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE receipt (
            number INTEGER PRIMARY KEY,
            delivery INTEGER NOT NULL REFERENCES delivery(number) ON DELETE CASCADE,
            date INTEGER NOT NULL,
            strength INTEGER,
            scheme TEXT,
            address TEXT,
            stored_name TEXT,
            far_digest TEXT,
            was_duplicate INTEGER,
            resumed_from INTEGER,
            acknowledgement BLOB
        ) STRICT;
        CREATE INDEX receipt_delivery ON receipt(delivery, number);

        CREATE TABLE host (
            name TEXT PRIMARY KEY NOT NULL,
            failures INTEGER NOT NULL,
            last_failure INTEGER,
            open_until INTEGER,
            latency INTEGER
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE note (
            name TEXT PRIMARY KEY NOT NULL,
            value INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
