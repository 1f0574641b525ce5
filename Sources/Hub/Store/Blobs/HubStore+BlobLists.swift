internal import Fabric

extension HubStore {
    /// Blobs that are kept for a receiver, complete or not, in the order in which they were begun.
    ///
    /// - Parameter after: The id of the last blob of the page before; an unknown id is like none.
    package func blobs(to receiver: String, after: String? = nil, limit: Int) async throws(StoreError) -> [Blob] {
        try Texts.checkName(receiver, "receiver")
        let after = (try? Texts.checkName(after, "blob")) == nil ? nil : after
        return try await core.ask { inquiry throws(JobFailure) in
            var start = (created: Int64(0), id: "")
            if let after, let row = try inquiry.row("SELECT created FROM blob WHERE id = ?", .text(after)) {
                start = (row.integer(0), after)
            }
            return try inquiry.rows(
                """
                SELECT \(Blob.columns) FROM blob WHERE receiver = ? AND doomed = 0 AND (created, id) > (?, ?)
                ORDER BY created, id LIMIT ?
                """, .text(receiver), .integer(start.created), .text(start.id), .integer(Int64(max(1, limit)))
            ).compactMap { Blob(row: $0) }
        }
    }

    /// Takes a blob of `agent`, its uploader or its receiver, out of use; its bytes are removed by the next sweep. What
    /// refers to it stays, and finds no blob.
    ///
    /// - Throws: `unknownBlob`.
    package func removeBlob(_ id: String, by agent: String) async throws(StoreError) {
        guard (try? Texts.checkName(id, "blob")) != nil else { throw .unknownBlob(id) }
        let core = core
        try await core.change { change throws(JobFailure) in
            guard let blob = try change.blob(id), blob.agent == agent || blob.receiver == agent else {
                throw .store(.unknownBlob(id))
            }
            try BlobDoom.doom(id, change)
        }
        core.hashers.forget(id)
    }

    /// What an account holds: that of a proven sender, or nil for the one that unproven senders share.
    package func load(ofAccount sender: String?) async throws(StoreError) -> AccountLoad {
        try Texts.checkName(sender, "agent")
        return try await core.ask { inquiry throws(JobFailure) in
            try inquiry.load(ofAccount: sender ?? Booking.sharedAccount)
        }
    }
}
