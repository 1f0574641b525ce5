/// Everything in which the two databases differ, as far as statements and the schema show it.
struct SQLDialect: Sendable {
    /// What a query ends with that takes rows for itself: with several writers at once, those that another has taken are
    /// left out. A single writer has no need of it.
    let takingRows: String
    /// What a query ends with whose rows nobody else may change until the transaction ends.
    let lockingRows: String
    /// Statements that tell the other hubs of changes once the transaction is committed.
    let announcing: @Sendable (Set<MailboxName>) -> [SQLStatement]
    /// The schema is written in PostgreSQL's words: what to put in the place of each.
    let words: [(word: String, replacement: String)]
    /// Statements before and after the first look at the schema, so that two hubs do not make it at once.
    let schemaLock: [SQLStatement]

    /// The schema in this database's words.
    func translate(_ schema: String) -> String {
        var text = schema
        for (word, replacement) in words { text = Self.replace(word, by: replacement, in: text) }
        return text
    }

    private static func replace(_ word: String, by replacement: String, in text: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let range = rest.firstRange(of: word) {
            result += rest[..<range.lowerBound] + replacement
            rest = rest[range.upperBound...]
        }
        return result + rest
    }

    static let sqlite = SQLDialect(
        takingRows: "", lockingRows: "", announcing: { _ in [] },
        words: [
            ("BIGINT", "INTEGER"), ("DOUBLE PRECISION", "REAL"), ("BYTEA", "BLOB"), ("\n);", "\n) STRICT;"),
        ],
        schemaLock: [])

    /// - Parameter hub: what this hub's announcements begin with, so that it does not heed them itself.
    static func postgres(hub: String) -> SQLDialect {
        SQLDialect(
            takingRows: " FOR UPDATE SKIP LOCKED", lockingRows: " FOR UPDATE",
            announcing: { mailboxes in
                mailboxes.map { mailbox in
                    SQLStatement("SELECT pg_notify('tibet_hub', ?)", .text(Announcement(mailbox, by: hub).text))
                }
            },
            // Names and times are compared as bytes, whatever the language of the database.
            words: [("TEXT", "TEXT COLLATE \"C\"")],
            schemaLock: [
                SQLStatement("SELECT pg_advisory_xact_lock(7310032012)"),
                SQLStatement("CREATE SCHEMA IF NOT EXISTS tibet_hub"),
            ])
    }
}

/// What one hub tells the others over the database: which hub, and which mailbox.
struct Announcement: Equatable {
    let hub: String
    let mailbox: MailboxName

    init(_ mailbox: MailboxName, by hub: String) {
        self.hub = hub
        self.mailbox = mailbox
    }

    var text: String { "\(hub) \(mailbox.kind.rawValue) \(mailbox.agent)" }

    /// Nil for what no hub says.
    init?(_ text: String) {
        let parts = text.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let kind = MailboxKind(rawValue: String(parts[1])) else { return nil }
        hub = String(parts[0])
        mailbox = MailboxName(kind, of: String(parts[2]))
    }
}
