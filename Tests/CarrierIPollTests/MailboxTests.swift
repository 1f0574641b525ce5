import CarrierIPoll
import Fabric
import HubClient
import Testing

/// Mailboxes at servers that hold nothing for anybody.
@Suite("I-Poll mailboxes without leases")
struct MailboxTests {
    private let peer = PeerMailboxes()
    private let server: StubServer
    private let scratch: Scratch

    init() throws {
        server = StubServer(peer.answer)
        scratch = try Scratch()
    }

    private func mailbox(_ kinds: Set<PollKind> = [.envelope]) throws -> PollMailbox {
        var selection = PollMailbox.Selection(kinds)
        selection.interval = .milliseconds(5)
        let client = try IPollClient(
            server: HubAddress(parsing: server.url), agent: try #require(HubAgent("bob")))
        return PollMailbox(
            client, selection,
            seen: SeenPolls(in: scratch.path, server: client.server.base, mailbox: client.agent.name))
    }

    private func envelope(_ name: String) -> JSONValue { ["envelope_name": .text(name)] }

    @Test("What was committed does not come again, after a restart either")
    func committed() async throws {
        for name in ["a.tza", "b.tza"] { peer.put(to: "bob", metadata: envelope(name)) }
        let first = try mailbox()
        try await first.next().settle(.commit)
        // Another process, to which the server gives both again.
        let again = try await mailbox().next()
        #expect(again.message.metadata["envelope_name"]?.text == "b.tza")
        #expect(peer.all.allSatisfy { $0["status"]?.text == "pending" })
    }

    @Test("What was not settled comes again after a restart")
    func unsettled() async throws {
        peer.put(to: "bob", metadata: envelope("a.tza"))
        let first = try await mailbox().next()
        let again = try await mailbox().next()
        #expect(first.message.id == again.message.id)
    }

    @Test("Messages are marked as read only when all of them were dealt with here")
    func marked() async throws {
        peer.put(to: "bob", metadata: envelope("a.tza"))
        let foreign = peer.put(to: "bob", content: "for a person")
        let envelopes = try mailbox()
        try await envelopes.next().settle(.commit)
        let waiting = Task { try await envelopes.next() }
        // The mailbox is asked again and again while the message for a person waits.
        let count = server.requests.count
        while server.requests.count < count + 6 { await Task.yield() }
        #expect(!server.requests.contains { $0.target.contains("mark_read=true") })
        let messages = try mailbox([.message])
        let held = try await messages.next()
        #expect(held.message.id == foreign)
        try await held.settle(.commit)
        while !peer.all.allSatisfy({ $0["status"]?.text == "read" }) { await Task.yield() }
        peer.put(to: "bob", metadata: envelope("c.tza"))
        #expect(try await waiting.value.message.metadata["envelope_name"]?.text == "c.tza")
    }

    @Test("What was released comes again")
    func released() async throws {
        peer.put(to: "bob", metadata: envelope("a.tza"))
        let mailbox = try mailbox()
        let held = try await mailbox.next()
        try await held.settle(.release(after: .zero))
        try await held.settle(.release(after: .zero))
        let again = try await mailbox.next()
        #expect(again.message.id == held.message.id)
        await #expect(throws: SettlementError.settledOtherwise(.release(after: .zero))) {
            try await held.settle(.commit)
        }
        try await again.settle(.commit)
    }

    @Test("Waiting can be cancelled")
    func cancelled() async throws {
        let mailbox = try mailbox()
        let waiting = Task { () -> CarrierError? in
            do throws(CarrierError) {
                _ = try await mailbox.next()
                return nil
            } catch {
                return error
            }
        }
        while server.requests.isEmpty { await Task.yield() }
        waiting.cancel()
        #expect(await waiting.value?.kind == .cancelled)
    }
}
