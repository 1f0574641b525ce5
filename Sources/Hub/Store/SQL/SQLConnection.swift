/// One connection to a database. Blocks; used by one thread at a time.
protocol SQLConnection: AnyObject {
    /// Whether it can be used for more; false once it is broken.
    var isUsable: Bool { get }

    /// Does statements in their order, in one round trip where there is one. At the first one that fails it ends.
    func execute(_ statements: [SQLStatement]) throws(SQLFailure) -> [SQLAnswer]

    /// Begins a transaction. A writer has whatever lock it needs from the beginning.
    func begin(_ access: SQLAccess) throws(SQLFailure)

    /// Commits. On return everything is on stable storage. On `disconnected` nobody knows.
    func commit() throws(SQLFailure)

    /// Undoes everything since the transaction began. Harmless without one.
    func rollBack()

    /// Does several statements without arguments: for the schema.
    func executeScript(_ text: String) throws(SQLFailure)

    /// Closes it.
    func close()
}

/// What a transaction is for.
enum SQLAccess: Sendable {
    /// Changes of several callers.
    case shared
    /// The changes of one caller, after they failed among others. Waits longer for locks.
    case alone
}

/// Makes connections to one database, and knows how it differs from others.
protocol SQLDriver: Sendable {
    var dialect: SQLDialect { get }

    /// A connection that changes things, or one that reads.
    func connect(writing: Bool) throws(SQLFailure) -> any SQLConnection

    /// Calls `hear` from a thread of its own for what other hubs have changed, until `stop`.
    func listen(_ hear: @escaping @Sendable (MailboxChange) -> Void)

    /// What the database takes, and what is free where it lies.
    func storage(_ connection: any SQLConnection) throws(SQLFailure) -> StorageState

    /// Ends listening, and gives up what is held beside connections.
    func stop()
}
