/// One PostgreSQL database, for any number of hubs.
final class PostgresDriver: SQLDriver {
    let dialect: SQLDialect

    private let text: String
    private let listener: PostgresListener

    init(_ text: String) {
        self.text = text
        let hub = RandomName.hexadecimal(16)
        dialect = .postgres(hub: hub)
        listener = PostgresListener(text: text, hub: hub)
    }

    func connect(writing: Bool) throws(SQLFailure) -> any SQLConnection { try PostgresConnection(text) }

    func listen(_ hear: @escaping @Sendable (MailboxChange) -> Void) { listener.start(hear) }

    func storage(_ connection: any SQLConnection) throws(SQLFailure) -> StorageState {
        let size = try connection.execute([SQLStatement("SELECT pg_database_size(current_database())")])
        return StorageState(size: size[0].rows.first?.integer(0) ?? 0, free: nil)
    }

    func stop() { listener.stop() }
}
