package import Fabric
internal import HTTPClient
internal import HubClient

/// What a question for messages brought.
package struct PulledPolls: Sendable {
    /// The messages, in the server's order. What could not be read as one is left out.
    package let polls: [PollMessage]
    /// Whether the server may have more for the same question.
    package let hasMore: Bool
    /// All of the answer; of several pages, that of the first.
    package let raw: JSONObject
}

extension IPollClient {
    /// The messages that wait for the agent.
    ///
    /// - Parameters:
    ///   - markRead: Whether the server is to take them for read. Always said, since servers disagree about what holds
    ///     otherwise (`ipoll.md`, section 4).
    ///   - limit: How many at most.
    ///   - wait: For how long the server is to wait for one when there is none. Only asked of servers that can.
    ///   - after: The message after which to go on; nil to begin. Only asked of servers that have pages.
    package func pull(
        markRead: Bool, limit: Int = pageSize, wait: Duration = .zero, after: String? = nil
    ) async throws(CarrierError) -> PulledPolls {
        let purpose = "cannot read the mailbox of '\(agent)'"
        let features = markRead || wait > .zero || after != nil ? try await features() : nil
        var query = ""
        if wait > .zero, features?.names.contains("wait") == true { query += "&wait=\(Self.seconds(wait))" }
        if let after, features?.names.contains("paging") == true { query += "&after=\(after.asQueryValue)" }
        // What is marked as read and does not come over as a whole would be lost.
        var size = max(1, markRead ? min(limit, Self.count(of: features?.largestMessage)) : limit)
        while true {
            let path = "/pull/\(agent)?mark_read=\(markRead)&limit=\(size)" + query
            if let answer = try await messages(path, patience: wait, purpose) {
                return PulledPolls(answer, limit: size)
            }
            guard !markRead, size > 1 else { throw tooLong(purpose) }
            size /= 2
        }
    }

    /// The messages with what the server says of their senders, which only our hub can prove: at any other server they
    /// are unproven.
    package func proven(_ pulled: PulledPolls) async throws(CarrierError) -> PulledPolls {
        if pulled.polls.isEmpty { return pulled }
        if try await features().isHub { return pulled }
        return PulledPolls(polls: pulled.polls.map(\.withoutProof), hasMore: pulled.hasMore, raw: pulled.raw)
    }

    /// All messages that wait for the agent, none of them marked as read; at most `most`. From a server without pages,
    /// what it gives at once.
    package func waiting(most: Int = 10_000) async throws(CarrierError) -> PulledPolls {
        let first = try await pull(markRead: false, limit: min(most, Self.pageSize))
        var polls = first.polls
        var (seen, hasMore) = (Set(polls.map(\.id)), first.hasMore)
        while hasMore, polls.count < most, let last = polls.last, try await features().names.contains("paging") {
            let page = try await pull(markRead: false, limit: min(most - polls.count, Self.pageSize), after: last.id)
            let fresh = page.polls.filter { seen.insert($0.id).inserted }
            guard !fresh.isEmpty else { break }
            polls += fresh
            hasMore = page.hasMore
        }
        return PulledPolls(polls: polls, hasMore: hasMore, raw: first.raw)
    }

    /// What was sent to and by the agent, in the server's order.
    package func history(
        limit: Int = 20, includeArchived: Bool = false, session: String? = nil
    ) async throws(CarrierError) -> PulledPolls {
        let purpose = "cannot read the history of '\(agent)'"
        let filter = session.map { "&session_id=" + $0.asQueryValue } ?? ""
        var size = max(1, limit)
        while true {
            // In the order of the peers' client (`vectors/hub-clients.json`).
            let path = "/history?limit=\(size)&include_archived=\(includeArchived)&agent=\(agent)" + filter
            if let answer = try await messages(path, purpose) { return PulledPolls(answer, limit: size) }
            guard size > 1 else { throw tooLong(purpose) }
            size /= 2
        }
    }

    /// How many messages fit into one answer for certain, where the largest that is taken has so many bytes: in an answer
    /// a message stands with what the server adds to it, for which as much again is granted.
    private static func count(of largest: Int64?) -> Int {
        max(1, largestAnswer / Int(clamping: (largest ?? 64 << 10).multipliedClamping(by: 2)))
    }

    private func tooLong(_ purpose: String) -> CarrierError {
        CarrierError(
            .corrupted, .waitForPerson,
            "\(hub(purpose).purpose): one message makes an answer of more than \(Self.largestAnswer) bytes")
    }

    /// A number of seconds as it stands in a query or a body.
    static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else { return String(max(0, seconds)) }
        return "\(max(0, seconds))." + String(1000 + milliseconds).dropFirst()
    }
}

extension PulledPolls {
    /// Reads `polls`, the only container that any client reads (`ipoll.md`, section 4). An answer without it says nothing.
    fileprivate init(_ answer: JSONObject, limit: Int) {
        let list = answer["polls"]?.list ?? []
        self.init(polls: list.compactMap { PollMessage($0) }, hasMore: list.count >= limit, raw: answer)
    }
}
