internal import Fabric

/// How items keep blobs alive.
enum BlobUse {
    /// That an item for `receiver` may refer to the blob.
    static func check(_ id: String, for receiver: String, _ change: Change) throws(JobFailure) {
        let row = try change.row(
            "SELECT 1 FROM blob WHERE id = ? AND receiver = ? AND complete = 1 AND doomed = 0"
                + change.dialect.lockingRows, .text(id), .text(receiver))
        guard row != nil else { throw .store(.blobIncomplete(id)) }
    }

    /// One item more refers to it.
    static func begin(_ id: String) -> SQLStatement {
        SQLStatement("UPDATE blob SET uses = uses + 1, expires = NULL WHERE id = ?", .text(id))
    }

    /// So many items refer to it no more. After the last one it is kept for `rest`.
    static func end(_ id: String, _ count: Int64, after rest: Duration, at now: Int64) -> SQLStatement {
        SQLStatement(
            """
            UPDATE blob SET uses = uses - ?, expires = CASE WHEN uses > ? THEN NULL ELSE CAST(? AS BIGINT) END
            WHERE id = ? AND doomed = 0
            """, .integer(count), .integer(count), .integer(now + rest.microseconds), .text(id))
    }

    /// Items that refer to these were committed.
    static func end(_ ids: [String], _ core: StoreCore, _ change: Change) throws(JobFailure) {
        let counts = Dictionary(ids.map { ($0, Int64(1)) }, uniquingKeysWith: +)
        _ = try change.change(
            counts.sorted { $0.key < $1.key }.map { id, count in
                end(id, count, after: core.configuration.settledBlobRetention, at: change.now)
            })
    }
}
