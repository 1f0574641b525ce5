internal import Fabric

/// Where frames, messages and blobs are counted: in the receiver's mailbox, and in the account of their sender.
///
/// What an unproven sender sent counts in the shared account alone, until its row is deleted. What a proven sender sent
/// counts in its account and in the mailbox, until it is settled.
struct Booking {
    let account: SenderAccount
    let sender: String
    let mailbox: MailboxName

    /// The name of the account that unproven senders share.
    static let sharedAccount = ""

    /// Counts a frame or a message that is stored now.
    func arrive(_ size: Int64, in sums: inout Sums) {
        sums.add(1, to: mailbox.kind.unsettledTotal)
        switch account {
        case .unproven: Self.addUnproven(1, size, to: &sums)
        case .none, .proven: add(1, size, to: &sums)
        }
    }

    /// Counts a frame or a message out that was settled, or that is deleted unsettled.
    func settle(_ size: Int64, in sums: inout Sums) {
        sums.add(-1, to: mailbox.kind.unsettledTotal)
        if account != .unproven { add(-1, -size, to: &sums) }
    }

    /// Counts bytes of a blob in, or (negative) out.
    func addBlob(bytes: Int64, in sums: inout Sums) {
        sums.add(bytes, to: .blobBytes)
        switch account {
        case .unproven: sums.add(items: 0, bytes: bytes, toAccount: Self.sharedAccount)
        case .none, .proven: add(0, bytes, to: &sums)
        }
    }

    private func add(_ items: Int64, _ bytes: Int64, to sums: inout Sums) {
        sums.add(items: items, bytes: bytes, to: mailbox)
        if account == .proven { sums.add(items: items, bytes: bytes, toAccount: sender) }
    }

    /// Counts so many rows of unproven senders in, or (negative) out, each with its overhead.
    static func addUnproven(_ items: Int64, _ bytes: Int64, to sums: inout Sums) {
        sums.add(items: items, bytes: bytes + items * UnprovenLimits.overhead, toAccount: sharedAccount)
    }

    /// Checks that the shared account has room for so many rows more with so many bytes, where it is the one to be used.
    ///
    /// - Throws: `unprovenFull`.
    static func check(
        _ account: SenderAccount, items: Int64, bytes: Int64, _ core: StoreCore, _ change: Change
    ) throws(JobFailure) {
        guard account == .unproven else { return }
        let limits = core.configuration.unproven
        let held = try change.load(ofAccount: sharedAccount)
        let earlier = change.earlier.accounts[sharedAccount] ?? Sums.Load()
        guard held.items + earlier.unsettled + items <= limits.items,
            held.bytes + earlier.bytes + bytes + items * UnprovenLimits.overhead <= limits.bytes
        else { throw .store(.unprovenFull(limit: limits.bytes)) }
    }
}

extension MailboxKind {
    /// What counts the unsettled items of all mailboxes of this kind.
    var unsettledTotal: Sums.Total {
        switch self {
        case .mux: .framesUnsettled
        case .ipoll: .messagesPending
        }
    }
}

extension Inquiry {
    /// What an account holds.
    func load(ofAccount name: String) throws(JobFailure) -> AccountLoad {
        let row = try row("SELECT items, bytes FROM account WHERE agent = ?", .text(name))
        return AccountLoad(items: row?.integer(0) ?? 0, bytes: row?.integer(1) ?? 0)
    }
}
