internal import Fabric

extension HubStore {
    /// Takes the oldest waiting frames of this intent (nil: of any) for one consumer. Does not wait.
    package func leaseFrames(
        _ request: LeaseRequest, intent: String?
    ) async throws(StoreError) -> LeaseAnswer<Frame> {
        let waiting = WaitingItems(mailbox: MailboxName(.mux, of: request.agent), topics: intent.map { [$0] })
        return try await lease(request, waiting, Frame.columns, number: \.position) { Frame(row: $0) }
    }

    /// Takes the oldest waiting messages for one consumer. Does not wait.
    package func leaseMessages(
        _ request: LeaseRequest, filter: MessageFilter = .all
    ) async throws(StoreError) -> LeaseAnswer<Message> {
        let waiting = WaitingItems(mailbox: MailboxName(.ipoll, of: request.agent), topics: filter.topics)
        return try await lease(request, waiting, Message.columns, number: \.position) { Message(row: $0) }
    }

    private func lease<Item: Sendable>(
        _ request: LeaseRequest, _ waiting: WaitingItems, _ columns: String,
        number: @escaping @Sendable (Item) -> Int64,
        _ decode: @escaping @Sendable (SQLRow) -> Item
    ) async throws(StoreError) -> LeaseAnswer<Item> {
        try Texts.checkName(request.agent, "agent")
        for topic in waiting.topics ?? [] { try Texts.checkName(topic, "intent") }
        let core = core
        return try await core.change { change throws(JobFailure) in
            let leasing = Leasing(
                waiting: waiting, limit: min(max(1, request.limit), 100), bytes: core.configuration.answerBytes,
                until: change.now + max(1, request.duration.microseconds))
            let (token, rows, leavesSome) = try leasing.take(columns, change)
            let leases = rows.map { row in
                let item = decode(row)
                return Lease(
                    id: LeaseName(token: token, number: number(item)).text,
                    until: Timestamp(microseconds: leasing.until), item: item)
            }
            let next = leases.isEmpty ? try leasing.nextDue(change) : nil
            return LeaseAnswer(
                leases: leases, leavesSome: leavesSome, nextDue: next.map { Timestamp(microseconds: $0) })
        }
    }
}

/// Takes items for one consumer.
private struct Leasing {
    let waiting: WaitingItems
    let limit: Int
    let bytes: Int64
    let until: Int64

    /// How many items whose lease is over are offered again at once.
    private static let mostReturned = 256

    /// The name of the leases, the rows of the items, oldest first, and whether more may wait.
    func take(
        _ columns: String, _ change: Change
    ) throws(JobFailure) -> (token: String, rows: [SQLRow], leavesSome: Bool) {
        let finding = waiting.statements(limit: limit, now: change.now, ending: change.dialect.takingRows)
        let found = try change.execute([returning(change)] + finding)
        let numbers = WaitingItems.merge(Array(found.dropFirst()), limit: limit, bytes: bytes)
        let token = LeaseName.freshToken()
        guard !numbers.isEmpty else { return (token, [], false) }
        let leavesSome = numbers.count >= limit || numbers.count < found.dropFirst().reduce(0) { $0 + $1.rows.count }
        let taking = SQLStatement(
            """
            UPDATE item SET state = 1, due = ?, lease = ?, settled = 0, deliveries = deliveries + 1
            WHERE number IN \(ItemChoice.places(numbers.count))
            """, arguments: [.integer(until), .text(token)] + numbers.map { .integer($0) })
        return (token, try change.change([taking, Inquiry.selection(numbers, columns)])[1].rows, leavesSome)
    }

    /// Offers again what nobody holds any more. Undone or not, that changes nothing that anybody was told.
    private func returning(_ change: Change) -> SQLStatement {
        SQLStatement(
            """
            UPDATE item SET state = 0 WHERE number IN (
            SELECT number FROM item WHERE kind = \(waiting.mailbox.kind.code) AND agent = ? AND state = 1 AND due <= ?
            ORDER BY due LIMIT \(Self.mostReturned)\(change.dialect.takingRows))
            """, .text(waiting.mailbox.agent), .integer(change.now))
    }

    /// When something that is held now can be taken again.
    func nextDue(_ change: Change) throws(JobFailure) -> Int64? {
        try change.row(
            """
            SELECT due FROM item WHERE kind = \(waiting.mailbox.kind.code) AND agent = ? AND state = 1
            ORDER BY due LIMIT 1
            """, .text(waiting.mailbox.agent))?.integer(0)
    }
}
