import CarrierIPoll
import Fabric
import Foundation
import SystemPackage
import Testing

/// Envelopes at servers that know only what the peers' clients send.
@Suite("I-Poll envelopes at a peer's server")
struct DeliveryTests {
    private let peer = PeerMailboxes()
    private let server: StubServer
    private let scratch: Scratch

    init() throws {
        server = StubServer(peer.answer)
        scratch = try Scratch()
    }

    private var route: Route { Route(scheme: "ipoll", address: "\(server.url)/api/ipoll#bob.aint") }

    private func carrier(_ change: (inout IPollCarrierConfiguration) -> Void = { _ in }) -> IPollCarrier {
        var configuration = IPollCarrierConfiguration(sender: "alice.aint")
        configuration.interval = .milliseconds(5)
        configuration.state = scratch.path.appending("state")
        change(&configuration)
        return IPollCarrier(configuration: configuration)
    }

    /// An envelope of `bytes`.
    private func envelope(
        _ bytes: [UInt8], name: String = "20260514t064148z.message.alice.normal.tza"
    ) throws -> SealedEnvelope {
        let file = scratch.path.appending(name + ".sealed")
        try Data(bytes).write(to: URL(fileURLWithPath: file.string))
        return try SealedEnvelope(hashing: file, name: try #require(ArrivalName(name)))
    }

    @Test("The file goes first, and then the message of the peers' sender names it")
    func notified() async throws {
        let envelope = try envelope(Array("sealed".utf8))
        let receipt = try await carrier().deliver(envelope, along: route, reporting: .none)
        #expect(receipt.strength == .accepted && receipt.farDigest == nil && receipt.storedName == nil)
        let asked = server.requests.map { "\($0.method) \($0.path)" }
        #expect(asked == ["GET /api/ipoll/status", "POST /api/ipoll/file/push", "POST /api/ipoll/push"])
        let file = try #require(peer.pushedFiles.first)
        #expect(file["from_agent"]?.text == "alice" && file["to_agent"]?.text == "bob")
        #expect(file["filename"]?.text == envelope.name.text)
        #expect(file["data_base64"]?.text == Data("sealed".utf8).base64EncodedString())
        // Key by key what the peers' sender says, and what CEP adds.
        let theirs = try #require(try RecordedCall.first("ainternet", "post_send.notify_via_ipoll")?.requests.first)
        let ours = try #require(server.requests.last?.json?.object)
        #expect(Set(try #require(theirs["json"]?.object).keys).isSubset(of: ours.keys))
        for key in ["from_agent", "to_agent", "poll_type"] { #expect(ours[key]?.text == theirs["json"]?[key]?.text) }
        let metadata = try #require(ours["metadata"]?.object)
        #expect(metadata["envelope_name"]?.text == envelope.name.text)
        #expect(metadata["envelope_ref"]?.text == "file:f1" && metadata["tbz_envelope_ref"]?.text == "file:f1")
        #expect(metadata["schema"]?.text == "aint-send-v2")
        #expect(metadata["verification_state"]?.text == "referenced")
        #expect(metadata["envelope_digest"]?.text == envelope.digest.description)
        #expect(metadata["size_bytes"]?.integer == 6 && metadata["blob_id"] == nil)
    }

    @Test("What is too large for one text is told with the limit, and nothing is sent")
    func tooLarge() async throws {
        let envelope = try envelope([UInt8](repeating: 1, count: 1001))
        await #expect {
            try await carrier { $0.largestFile = 1000 }.deliver(envelope, along: route, reporting: .none)
        } throws: { error in
            let error = error as? CarrierError
            return error?.kind == .tooLarge(limit: 1000) && error?.action == .tryNextRoute
        }
        #expect(peer.all.isEmpty && peer.pushedFiles.isEmpty)
    }

    @Test("A server that takes no files is told of no envelope")
    func noFiles() async throws {
        let peer = PeerMailboxes(takesFiles: false)
        let server = StubServer(peer.answer)
        let envelope = try envelope([1])
        await #expect {
            try await carrier().deliver(
                envelope, along: Route(scheme: "ipoll", address: "\(server.url)#bob"), reporting: .none)
        } throws: { error in
            (error as? CarrierError)?.action == .tryNextRoute
        }
        #expect(peer.all.isEmpty)
    }

    @Test(
        "Addresses that are none are refused before anything is sent",
        arguments: [
            "http://h", "http://h#", "http://h#a b", "ftp://h#a", "#a", "http://u@h#a", "http://h#../x", "http://h?q#a",
        ])
    func addresses(address: String) async throws {
        let envelope = try envelope([1])
        await #expect {
            try await carrier().deliver(
                envelope, along: Route(scheme: "ipoll", address: address), reporting: .none)
        } throws: { error in
            (error as? CarrierError)?.kind == .misconfigured
        }
    }

    @Test("What a message names and does not bring is written down once, and never more than that")
    func referenced() async throws {
        let hostile: JSONValue = [
            "envelope_name": "a.b.c.normal.tza", "envelope_ref": .text(scratch.path.appending("secret").string),
            "verification_state": "continuation-approved", "schema": "aint-send-v2",
        ]
        try Data("secret".utf8).write(to: URL(fileURLWithPath: scratch.path.appending("secret").string))
        peer.put(to: "bob", metadata: hostile)
        peer.put(to: "bob", metadata: ["envelope_name": "../../etc/passwd"])
        let book = ReferenceBook(directory: scratch.path.appending("book"))
        for _ in 0..<2 {
            let carrier = carrier { $0.references = book }
            let waiting = Task { try await carrier.nextArrival(along: route) }
            // The second time everything is known: it waits in the same way.
            let count = server.requests.count
            while try book.references().count < 2 || server.requests.count < count + 4 { await Task.yield() }
            waiting.cancel()
            await #expect(throws: CarrierError.self) { try await waiting.value }
        }
        let references = try book.references()
        #expect(references.count == 2 && references.allSatisfy { $0.state == "referenced" })
        let record = try #require(references.first { $0.notice.name == "a.b.c.normal.tza" }).record
        #expect(record["verification_state"]?.text == "referenced")
        #expect(record["claimed_state"]?.text == "continuation-approved")
        #expect(record["envelope_ref"]?.text == scratch.path.appending("secret").string)
        #expect(record["from_agent"]?.text == "zoe" && record["message_id"]?.text == "m1")
    }

    @Test("Where nobody writes references down, they stay where they are")
    func leftAlone() async throws {
        peer.put(to: "bob", metadata: ["envelope_name": "a.tza"])
        let carrier = carrier()
        let waiting = Task { try await carrier.nextArrival(along: route) }
        while server.requests.count < 8 { await Task.yield() }
        waiting.cancel()
        await #expect(throws: CarrierError.self) { try await waiting.value }
        #expect(peer.all.first?["status"]?.text == "pending")
        #expect(scratch.names("state").isEmpty)
    }
}
