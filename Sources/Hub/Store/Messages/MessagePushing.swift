internal import Fabric

/// Stores one message.
struct MessagePushing {
    let draft: MessageDraft
    let key: IdempotencyKey?
    let operation: String
    let core: StoreCore

    static func check(_ draft: MessageDraft) throws(StoreError) {
        try Texts.checkName(draft.from, "sender")
        try Texts.checkName(draft.to, "recipient")
        try Texts.checkName(draft.session, "session")
        try Texts.checkName(draft.replyTo, "reference")
        try Texts.checkName(draft.blob, "blob")
        try Texts.check(draft.content, "content")
        try Texts.check(draft.metadata, "metadata")
    }

    func push(_ change: Change) throws(JobFailure) -> PushedMessage {
        if let blob = draft.blob { try BlobUse.check(blob, for: draft.to, change) }
        let size = Int64(draft.content.utf8.count + (draft.metadata?.utf8.count ?? 0))
        try Booking.check(draft.account, items: 1, bytes: size, core, change)
        let hour = HourlyQuota(sender: draft.from, limit: draft.hourlyLimit)
        let sent = try hour.charge(size, change)
        let id = "poll-" + RandomName.hexadecimal(32)
        let retention = draft.retention ?? core.configuration.messageRetention
        let message = NewItem(
            number: core.numbers.next(at: change.now), mailbox: MailboxName(.ipoll, of: draft.to), sender: draft.from,
            proof: draft.proof, account: draft.account,
            topic: MessageFilter.topic(draft.kind, draft.type), created: change.now,
            expires: change.now + max(1, retention.microseconds), size: size, blob: draft.blob, content: draft.content,
            metadata: draft.metadata, id: id, type: draft.type.rawValue, session: draft.session, replyTo: draft.replyTo)
        let answer = RememberedAnswer(reference: id, sequence: 0, hash: "", created: change.now)
        try change.change(
            message.statements, remembering: answer, to: key, operation: operation,
            for: core.configuration.idempotencyRetention)
        message.count(in: &change.sums)
        change.sums.add(1, to: .messagesPushed)
        change.sums.add(size, to: .messageBytes)
        return PushedMessage(
            id: id, createdAt: Timestamp(microseconds: change.now), sentThisHour: sent, wasReplay: false)
    }
}
