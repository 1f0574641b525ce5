internal import Fabric

/// First answers, by idempotency keys.
struct RememberedAnswer {
    let reference: String
    let sequence: Int64
    let hash: String
    let created: Int64

    /// The answer that was given to this key.
    ///
    /// - Parameter operation: what is asked for now.
    /// - Throws: `keyReused` when it was something else.
    static func find(
        _ key: IdempotencyKey?, operation: String, _ change: Change
    ) throws(JobFailure) -> RememberedAnswer? {
        guard let key else { return nil }
        let row = try change.row(
            """
            SELECT operation, reference, sequence, hash, created FROM answer
            WHERE agent = ? AND name = ? AND expires > ?
            """, .text(key.agent), .text(key.text), .integer(change.now))
        guard let row else { return nil }
        guard row.text(0) == operation else { throw .store(.keyReused(key.text)) }
        return RememberedAnswer(
            reference: row.text(1), sequence: row.integer(2), hash: row.text(3), created: row.integer(4))
    }

    /// The statement that remembers this answer, which changes one row; none if another hub has answered meanwhile.
    func remembering(_ key: IdempotencyKey, operation: String, until expiry: Int64) -> SQLStatement {
        SQLStatement(
            """
            INSERT INTO answer (agent, name, operation, reference, sequence, hash, created, expires)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (agent, name) DO UPDATE SET operation = excluded.operation, reference = excluded.reference,
            sequence = excluded.sequence, hash = excluded.hash, created = excluded.created, expires = excluded.expires
            WHERE answer.expires <= excluded.created
            """, .text(key.agent), .text(key.text), .text(operation), .text(reference), .integer(sequence), .text(hash),
            .integer(created), .integer(expiry))
    }

    static func check(_ key: IdempotencyKey?) throws(StoreError) {
        guard let key else { return }
        try Texts.checkName(key.agent, "agent")
        try Texts.checkName(key.text, "idempotency key")
    }
}

extension Change {
    /// Does `statements` and remembers the answer to `key`.
    func change(
        _ statements: [SQLStatement], remembering answer: RememberedAnswer, to key: IdempotencyKey?, operation: String,
        for retention: Duration
    ) throws(JobFailure) {
        guard let key else {
            _ = try change(statements)
            return
        }
        let last = answer.remembering(key, operation: operation, until: now + retention.microseconds)
        let answers = try change(statements + [last])
        guard answers.last?.changes == 1 else {
            throw .sql(.conflict(code: "answer", message: "the same request was answered at the same time"))
        }
    }
}
