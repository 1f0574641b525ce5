internal import ArgumentParser
internal import Fabric
internal import HTTPClient
internal import HubClient

/// Whose mailbox at which hub is looked after.
struct HubMailboxOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Whose mailbox. Default: that of the identity's name.", valueName: "name"))
    var agent: String?

    @Option(
        name: .long,
        help: ArgumentHelp("The hub. Default: $TIBET_HUB_URL, or http://127.0.0.1:8000.", valueName: "url"))
    var url: String?

    @OptionGroup(title: "Identity") var identity: IdentityOptions
    @OptionGroup(title: "Connection") var connection: ConnectionOptions

    /// The agent, and a client of the hub whose requests the identity signs.
    func client(_ purpose: String, output: OutputOptions) throws -> (agent: HubAgent, hub: HubClient) {
        try connection.check()
        let address = try HubAddress(
            parsing: url ?? HubOptions.variable("TIBET_HUB_URL") ?? "http://127.0.0.1:8000")
        let named = try agent.map { try AgentName.parse($0) }
        let sender = try identity.loadOrCreate(output: output)
        let agent = try named ?? AgentName.of(identity.name(of: sender))
        let hub = try HubCommand.connections(signedBy: sender.key, connection).client(
            at: address, as: agent, purpose: "cannot \(purpose) the mailbox of '\(agent)' at '\(address)'")
        return (agent, hub)
    }
}

extension HubClient {
    /// What waits for `agent`, and whether there may be more.
    func waiting(for agent: HubAgent, limit: Int) async throws(CarrierError) -> (items: [JSONObject], hasMore: Bool) {
        let answer = try object(
            try await ask(.get, "/api/hub/waiting?agent=\(agent.name.asQueryValue)&limit=\(limit)"))
        guard let items = answer["items"]?.list else { throw unexpected("has no list of 'items'") }
        return (items.compactMap(\.object), answer["has_more"]?.bool ?? false)
    }
}

extension HubCommand {
    /// `tcd hub waiting`
    struct Waiting: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "List what waits for an agent at a hub.",
            discussion: """
                Frames, messages and blobs to which no frame or message refers, unfinished uploads included, with sender \
                and size; nothing is marked as read. 'tcd hub discard' deletes what is not wanted.

                  $ tcd hub waiting
                  poll-1fb4…  message  alice  proven (registered, key 3d40…)  120 B  2026-01-01T12:00:00Z

                Exit status: 0 also when nothing waits, 69 the hub cannot be reached, 77 it refuses this identity.
                """)

        @Option(name: .long, help: ArgumentHelp("List so many of each kind at most.", valueName: "n"))
        var limit = 100

        @OptionGroup var mailbox: HubMailboxOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard (1...1000).contains(limit) else {
                throw UsageError("--limit: expected a number from 1 to 1000, got \(limit)")
            }
            let (agent, hub) = try mailbox.client("list", output: output)
            let (items, hasMore) = try await hub.waiting(for: agent, limit: limit)
            for item in items { Terminal.say(output.json ? JSONValue.object(item).text(.compact) : Self.line(item)) }
            guard !output.json else { return }
            Terminal.note(
                items.isEmpty
                    ? "nothing waits for \(agent)"
                    : "\(items.count) waiting for \(agent)" + (hasMore ? "; there are more" : ""))
        }

        private static func line(_ item: JSONObject) -> String {
            func text(_ key: String) -> String { VerdictReport.shown(item[key]?.text ?? "") }
            let isBlob = item["type"]?.text == "blob"
            let proof =
                isBlob ? (item["proven"]?.bool == true ? "proven" : "unproven") : SenderWords.proof(SenderProof(item))
            let size = Quantity.bytes(item["size_bytes"]?.integer ?? 0)
            let received = isBlob ? Quantity.bytes(item["received"]?.integer ?? 0) + " of " + size : size
            return [text("id"), text("type"), text("from"), proof, received, text("created_at")].joined(separator: "  ")
        }
    }

    /// `tcd hub discard`
    struct Discard: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete what waits for an agent at a hub.",
            discussion: """
                What is deleted is delivered to no consumer any more; its sender is not told.

                  $ tcd hub discard poll-1fb4… blob-09ac…
                  2 deleted

                Exit status: 0 deleted, 66 one of the ids is not waiting, 69 the hub cannot be reached, 77 it refuses this \
                identity.
                """)

        @Argument(help: ArgumentHelp("Ids as 'tcd hub waiting' lists them.", valueName: "id"))
        var ids: [String] = []

        @Flag(name: .long, help: "Delete everything that waits.")
        var all = false

        @OptionGroup var mailbox: HubMailboxOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard ids.isEmpty == all else {
                throw UsageError("expected ids or --all", remedy: "list the ids with 'tcd hub waiting'")
            }
            let (agent, hub) = try mailbox.client("change", output: output)
            var (count, unknown): (Int, [String]) = (0, [])
            if all {
                while true {
                    let (items, hasMore) = try await hub.waiting(for: agent, limit: 300)
                    let gone = try await discard(items.compactMap { $0["id"]?.text }, hub, agent)
                    count += gone.count
                    if !hasMore || gone.count == 0 { break }
                }
            } else {
                let gone = try await discard(ids, hub, agent)
                (count, unknown) = (gone.count, gone.unknown)
            }
            tell(count, unknown)
            if let first = unknown.first { throw NothingWaiting(first, agent.name) }
        }

        private func discard(
            _ ids: [String], _ hub: HubClient, _ agent: HubAgent
        ) async throws -> (count: Int, unknown: [String]) {
            guard !ids.isEmpty else { return (0, []) }
            let answer = try hub.object(
                try await hub.ask(.post, "/api/hub/discard", ["agent": .text(agent.name), "ids": .texts(ids)]))
            return (answer["discarded"]?.list?.count ?? 0, (answer["unknown"]?.list ?? []).compactMap(\.text))
        }

        private func tell(_ count: Int, _ unknown: [String]) {
            guard output.json else { return Terminal.say("\(count) deleted") }
            Terminal.say(
                JSONLine([("event", "discarded"), ("count", .number(Int64(count))), ("unknown", .init(unknown))]))
        }
    }
}

/// An id under which nothing waits.
struct NothingWaiting: ExplainedError {
    let explanation: String
    let remedy: String? = "list what waits with 'tcd hub waiting'"

    init(_ id: String, _ agent: String) { explanation = "'\(VerdictReport.shown(id))' does not wait for '\(agent)'" }

    var category: FailureCategory { .noInput }
}
