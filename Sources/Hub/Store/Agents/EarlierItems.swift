internal import Fabric

/// What came under a name before it was registered: any sender could send to it and in its name.
enum EarlierItems {
    private static let mostAtOnce: Int64 = 1000

    /// Keeps it from the name's owner: what waits is removed, channels that were opened in the name are closed, and what
    /// was counted and answered under it is forgotten.
    static func drop(of name: String, _ core: StoreCore, _ change: Change) throws(JobFailure) {
        // The sweep removes what is over, with all that it counts for; until then it is offered to no consumer.
        _ = try change.change(
            MailboxKind.allCases.map { kind in
                SQLStatement(
                    "UPDATE item SET expires = ? WHERE kind = \(kind.code) AND agent = ? AND state = 0",
                    .integer(change.now), .text(name))
            } + ["hourly", "answer"].map { SQLStatement("DELETE FROM \($0) WHERE agent = ?", .text(name)) })
        let channels = try change.rows(
            "SELECT id FROM channel WHERE agent = ? AND closed IS NULL ORDER BY number LIMIT \(mostAtOnce)", .text(name)
        )
        for row in channels {
            try ChannelClosing.close(row.text(0), reason: "name_registered", core, change)
        }
        let blobs = try change.rows(
            "SELECT id FROM blob WHERE receiver = ? AND doomed = 0 LIMIT \(mostAtOnce)", .text(name))
        for row in blobs { try BlobDoom.doom(row.text(0), change) }
    }
}
