/// The tables, in PostgreSQL's words, and how they came about. `version` counts the steps that were taken.
///
/// Times are microseconds since 1970 in UTC. Every item (a frame, a message) has a narrow row in `item`, which changes
/// with every lease, and its text in `body`, which never changes. What can be taken is found by indexes that hold nothing
/// else, so that taking costs the same however much is kept.
enum Schema {
    /// The steps in their order. What was released is never changed; what is new is a new step.
    static let steps = [first, senders, accounts, strangers]

    private static let first = """
        CREATE TABLE channel (
            id TEXT PRIMARY KEY NOT NULL,
            number BIGINT NOT NULL,
            agent TEXT NOT NULL,
            target TEXT NOT NULL,
            intent TEXT NOT NULL,
            metadata TEXT,
            stays_open BIGINT NOT NULL,
            opened BIGINT NOT NULL,
            active BIGINT NOT NULL,
            closed BIGINT,
            reason TEXT,
            frames BIGINT NOT NULL DEFAULT 0,
            bytes BIGINT NOT NULL DEFAULT 0,
            unsettled BIGINT NOT NULL DEFAULT 0,
            refused BIGINT NOT NULL DEFAULT 0,
            closings BIGINT NOT NULL DEFAULT 0,
            shown BIGINT NOT NULL DEFAULT -1,
            live BIGINT NOT NULL DEFAULT 1,
            open_hash TEXT NOT NULL,
            close_hash TEXT,
            expires BIGINT
        );
        CREATE INDEX channel_agent ON channel(agent, number);
        CREATE INDEX channel_agent_open ON channel(agent, number) WHERE closed IS NULL;
        CREATE INDEX channel_agent_live ON channel(agent, number) WHERE live = 1;
        CREATE INDEX channel_target ON channel(target, number);
        CREATE INDEX channel_target_open ON channel(target, number) WHERE closed IS NULL;
        CREATE INDEX channel_target_live ON channel(target, number) WHERE live = 1;
        CREATE INDEX channel_target_intent ON channel(target, intent, number) WHERE live = 1;
        CREATE INDEX channel_expires ON channel(expires) WHERE expires IS NOT NULL;

        CREATE TABLE opener (
            agent TEXT PRIMARY KEY NOT NULL,
            open_channels BIGINT NOT NULL
        );

        CREATE TABLE item (
            number BIGINT PRIMARY KEY NOT NULL,
            kind BIGINT NOT NULL,
            agent TEXT NOT NULL,
            sender TEXT NOT NULL,
            topic TEXT NOT NULL,
            state BIGINT NOT NULL DEFAULT 0,
            due BIGINT NOT NULL DEFAULT 0,
            lease TEXT,
            settled BIGINT NOT NULL DEFAULT 0,
            reason TEXT,
            deliveries BIGINT NOT NULL DEFAULT 0,
            created BIGINT NOT NULL,
            expires BIGINT NOT NULL,
            size BIGINT NOT NULL,
            blob TEXT,
            channel TEXT,
            sequence BIGINT,
            id TEXT,
            type TEXT,
            session TEXT,
            reply_to TEXT,
            responded BIGINT
        );
        CREATE INDEX item_waiting ON item(kind, agent, number) WHERE state = 0;
        CREATE INDEX item_topic ON item(kind, agent, topic, number) WHERE state = 0;
        CREATE INDEX item_held ON item(kind, agent, due) WHERE state = 1;
        CREATE UNIQUE INDEX item_frame ON item(channel, sequence) WHERE channel IS NOT NULL;
        CREATE INDEX item_channel_waiting ON item(channel, sequence) WHERE state = 0 AND channel IS NOT NULL;
        CREATE UNIQUE INDEX item_id ON item(id) WHERE id IS NOT NULL;
        CREATE INDEX item_to ON item(agent, type, number) WHERE type IS NOT NULL;
        CREATE INDEX item_from ON item(sender, type, number) WHERE type IS NOT NULL;
        CREATE INDEX item_session ON item(session, number) WHERE session IS NOT NULL;
        CREATE INDEX item_expires ON item(expires);

        CREATE TABLE body (
            number BIGINT PRIMARY KEY NOT NULL,
            content TEXT NOT NULL,
            metadata TEXT,
            hash TEXT
        );

        CREATE TABLE released (
            lease TEXT PRIMARY KEY NOT NULL,
            expires BIGINT NOT NULL
        );
        CREATE INDEX released_expires ON released(expires);

        CREATE TABLE blob (
            id TEXT PRIMARY KEY NOT NULL,
            agent TEXT NOT NULL,
            receiver TEXT NOT NULL,
            name TEXT NOT NULL,
            digest TEXT NOT NULL,
            size BIGINT NOT NULL,
            received BIGINT NOT NULL DEFAULT 0,
            complete BIGINT NOT NULL DEFAULT 0,
            doomed BIGINT NOT NULL DEFAULT 0,
            uses BIGINT NOT NULL DEFAULT 0,
            created BIGINT NOT NULL,
            expires BIGINT
        );
        CREATE UNIQUE INDEX blob_identity ON blob(agent, receiver, digest, size) WHERE doomed = 0;
        CREATE INDEX blob_expires ON blob(expires) WHERE expires IS NOT NULL;

        CREATE TABLE piece (
            blob TEXT NOT NULL,
            start BIGINT NOT NULL,
            length BIGINT NOT NULL,
            bytes BYTEA NOT NULL,
            PRIMARY KEY (blob, start)
        );

        CREATE TABLE agent (
            name TEXT PRIMARY KEY NOT NULL,
            public_key TEXT,
            previous_keys TEXT NOT NULL,
            owner TEXT,
            endpoint TEXT,
            i_poll TEXT,
            capabilities TEXT NOT NULL,
            routes TEXT NOT NULL,
            description TEXT,
            tier TEXT NOT NULL,
            trust DOUBLE PRECISION NOT NULL,
            suspended BIGINT NOT NULL,
            reason TEXT,
            registered BIGINT NOT NULL,
            updated BIGINT NOT NULL
        );
        CREATE INDEX agent_key ON agent(public_key, name) WHERE public_key IS NOT NULL;

        CREATE TABLE word (
            word TEXT NOT NULL,
            agent TEXT NOT NULL,
            PRIMARY KEY (word, agent)
        );
        CREATE INDEX word_agent ON word(agent);

        CREATE TABLE nonce (
            agent TEXT NOT NULL,
            nonce TEXT NOT NULL,
            expires BIGINT NOT NULL,
            PRIMARY KEY (agent, nonce)
        );
        CREATE INDEX nonce_expires ON nonce(expires);

        CREATE TABLE answer (
            agent TEXT NOT NULL,
            name TEXT NOT NULL,
            operation TEXT NOT NULL,
            reference TEXT NOT NULL,
            sequence BIGINT NOT NULL,
            hash TEXT NOT NULL,
            created BIGINT NOT NULL,
            expires BIGINT NOT NULL,
            PRIMARY KEY (agent, name)
        );
        CREATE INDEX answer_expires ON answer(expires);

        CREATE TABLE hourly (
            agent TEXT NOT NULL,
            hour BIGINT NOT NULL,
            messages BIGINT NOT NULL,
            bytes BIGINT NOT NULL,
            PRIMARY KEY (agent, hour)
        );
        CREATE INDEX hourly_hour ON hourly(hour);

        CREATE TABLE mailbox (
            kind BIGINT NOT NULL,
            agent TEXT NOT NULL,
            unsettled BIGINT NOT NULL,
            bytes BIGINT NOT NULL,
            PRIMARY KEY (kind, agent)
        );
        CREATE INDEX mailbox_unsettled ON mailbox(kind, unsettled);

        CREATE TABLE total (
            name TEXT NOT NULL,
            slot BIGINT NOT NULL,
            amount BIGINT NOT NULL,
            PRIMARY KEY (name, slot)
        );
        """

    /// Who was proven to have sent an item. Of items that are older nothing is known: they count as unproven.
    private static let senders = """
        ALTER TABLE item ADD COLUMN sender_key TEXT;
        ALTER TABLE item ADD COLUMN tier TEXT;
        """

    /// Whose account each row is booked to (`SenderAccount.code`), and what the accounts hold. The account that unproven
    /// senders share has the empty name.
    private static let accounts = """
        ALTER TABLE item ADD COLUMN account BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE blob ADD COLUMN account BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE channel ADD COLUMN account BIGINT NOT NULL DEFAULT 0;
        CREATE INDEX blob_receiver ON blob(receiver, created, id) WHERE doomed = 0;
        CREATE TABLE account (
            agent TEXT PRIMARY KEY NOT NULL,
            items BIGINT NOT NULL,
            bytes BIGINT NOT NULL
        );
        """

    /// Uploads of unproven senders are never found by their digest, so that there may be several alike.
    private static let strangers = """
        DROP INDEX blob_identity;
        CREATE UNIQUE INDEX blob_identity ON blob(agent, receiver, digest, size) WHERE doomed = 0 AND account <> 2;
        """

    /// Takes the steps that were not taken yet, in one transaction.
    static func migrate(_ connection: any SQLConnection, dialect: SQLDialect) throws(StoreError) {
        do throws(JobFailure) {
            try inside(connection, dialect)
        } catch {
            connection.rollBack()
            throw error.told
        }
    }

    private static func inside(_ connection: any SQLConnection, _ dialect: SQLDialect) throws(JobFailure) {
        do throws(SQLFailure) {
            try connection.begin(.alone)
            _ = try connection.execute(dialect.schemaLock)
            try connection.executeScript(
                dialect.translate("CREATE TABLE IF NOT EXISTS version (version BIGINT NOT NULL)"))
        } catch {
            throw .sql(error)
        }
        let inquiry = Inquiry(connection, dialect: dialect, now: 0)
        let version = Int(try inquiry.row("SELECT version FROM version")?.integer(0) ?? 0)
        guard version <= steps.count else { throw .store(.newerSchema(version: version)) }
        do throws(SQLFailure) {
            for step in steps[version...] { try connection.executeScript(dialect.translate(step)) }
            _ = try connection.execute([
                SQLStatement("DELETE FROM version"),
                SQLStatement("INSERT INTO version (version) VALUES (?)", .integer(Int64(steps.count))),
            ])
            try connection.commit()
        } catch {
            throw .sql(error)
        }
    }
}
