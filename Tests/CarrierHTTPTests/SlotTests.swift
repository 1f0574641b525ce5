import Fabric
import Foundation
import Testing

@testable import CarrierHTTP

/// What senders without a right signature can use up.
@Suite struct SlotTests {
    private let listed = AuthorizationPolicy(trustedKeys: [key(1).publicKey])

    private func authorization(_ body: [UInt8], _ signer: SigningKey) -> String {
        "Authorization: " + Authorization(signing: Digest(of: body), with: signer).headerValue
    }

    /// A connection that announces a body, sends nothing of it, and has its slot when it was told to continue.
    private func hold(_ inbox: TestInbox, _ name: String, length: Int = 1000, headers: [String]) async -> (
        socket: RawSocket, head: String
    ) {
        let port = inbox.address.port
        return await blocking {
            let socket = RawSocket(port: port)
            socket.send(
                TestInbox.request(
                    "POST", "/inbox/" + name, [], headers: ["Expect: 100-continue"] + headers, length: length))
            return (socket, socket.receiveHead())
        }
    }

    /// The public key of a listed sender is in each of its requests, so anyone may know it.
    @Test func aForgedSignatureOverAnAnnouncedDigestIsRefusedBeforeTheBody() async throws {
        try await TestInbox.with(policy: listed) { inbox in
            let digest = "Repr-Digest: " + StructuredFields.text(of: Digest(of: [2]))
            let (_, head) = await hold(inbox, "a.tza", headers: [authorization([1], key(1)), digest])
            #expect(head.hasPrefix("HTTP/1.1 401 "))
            #expect(inbox.workspace.all().isEmpty)
            let right = "Repr-Digest: " + StructuredFields.text(of: Digest(of: [1]))
            // What was signed is what has to come.
            let other = await inbox.post("a.tza", [2], headers: [authorization([1], key(1)), right])
            #expect(other.status == 400)
            #expect(inbox.workspace.all().isEmpty)
            let answer = await inbox.post("a.tza", [1], headers: [authorization([1], key(1)), right])
            #expect(answer.status == 201)
        }
    }

    @Test func sendersThatDoNotAnnounceTheDigestShareAFewSlots() async throws {
        var limits = TestInbox.quick()
        limits.unprovenUploads = 2
        try await TestInbox.with(policy: listed, limits: limits) { inbox in
            let forged = [authorization([9], key(1))]
            let first = await hold(inbox, "a.tza", headers: forged)
            #expect(first.head.hasPrefix("HTTP/1.1 100 "))
            // The half of the few slots that one address may have.
            let second = await hold(inbox, "b.tza", headers: forged)
            #expect(second.head.hasPrefix("HTTP/1.1 429 "))
            #expect(await inbox.post("c.tza", [1], headers: [authorization([1], key(1))]).status == 429)
            // The sender that can prove itself is not concerned.
            for size in [1000, 2_000_000] {
                let receipt = try await carrier(key(1)).deliver(
                    envelope("d\(size).tza", pattern(size)), along: inbox.route, reporting: .none)
                #expect(receipt.strength == .stored)
            }
            withExtendedLifetime(first) {}
        }
    }

    @Test func theyHaveASmallerLargestSize() async throws {
        var limits = TestInbox.quick()
        limits.largestUnproven = 10
        try await TestInbox.with(policy: listed, limits: limits) { inbox in
            let (small, large) = (pattern(10), pattern(11))
            #expect(await inbox.post("a.tza", small, headers: [authorization(small, key(1))]).status == 201)
            let answer = await inbox.post("b.tza", large, headers: [authorization(large, key(1))])
            #expect(answer.status == 413)
            #expect(ErrorBody(parsing: Array(answer.body.utf8))?.limit == 10)
            let digest = "Repr-Digest: " + StructuredFields.text(of: Digest(of: large))
            #expect(await inbox.post("b.tza", large, headers: [authorization(large, key(1)), digest]).status == 201)
        }
        // Where no signature is required, size says nothing about who sends.
        try await TestInbox.with(limits: limits) { inbox in
            #expect(await inbox.post("b.tza", pattern(11)).status == 201)
        }
    }

    @Test func theyHaveAHigherLeastRate() async throws {
        var limits = TestInbox.quick()
        limits.idleTime = .milliseconds(500)
        limits.minimumRate = 1
        limits.unprovenRate = 1 << 20
        try await TestInbox.with(policy: listed, limits: limits) { inbox in
            let port = inbox.address.port
            let header = authorization([9], key(1))
            let answer = await blocking { () -> RawAnswer in
                let socket = RawSocket(port: port)
                socket.send(TestInbox.request("POST", "/inbox/a.tza", [], headers: [header], length: 100_000))
                Thread {
                    while socket.send([0]) { usleep(20_000) }
                }.start()
                return socket.readAnswer()
            }
            #expect(answer.status == 408)
            // The next request of a connection has its own rate.
            #expect(inbox.workspace.leftovers.isEmpty)
        }
    }

    @Test func oneAddressCannotHoldAllSlots() async throws {
        var limits = TestInbox.quick()
        limits.concurrentUploads = 4
        try await TestInbox.with(limits: limits) { inbox in
            var held: [RawSocket] = []
            for number in 0..<2 {
                let (socket, head) = await hold(inbox, "\(number).tza", headers: [])
                #expect(head.hasPrefix("HTTP/1.1 100 "))
                held.append(socket)
            }
            let answer = await inbox.post("c.tza", [1])
            #expect(answer.status == 429)
            #expect(answer.body.contains("2 uploads of this sender are under way"))
            withExtendedLifetime(held) {}
        }
    }

    @Test func slotsAreCountedBySender() throws {
        var limits = HTTPListenerLimits()
        limits.concurrentUploads = 4
        limits.unprovenUploads = 2
        let slots = UploadSlots(limits)
        func sender(_ address: String, _ signer: SigningKey?, _ policy: AuthorizationPolicy) -> UploadSlots.Sender {
            let claim: Authenticator.Claim =
                signer.map { .proven(Authorization(signing: Digest(of: []), with: $0), did: nil, Digest(of: [])) }
                ?? .none
            return UploadSlots.Sender(claim, policy, address: address)
        }
        let open = AuthorizationPolicy()
        // Without a list a key costs nothing, so the address counts as well.
        #expect(sender("a", key(1), open).accounts == ["address:a", "key:" + key(1).publicKey.hex])
        #expect(sender("a", key(1), listed).accounts == ["key:" + key(1).publicKey.hex])
        #expect(sender("a", nil, listed).accounts == ["address:a"])
        #expect(sender("a", nil, listed).isUnproven)
        #expect(!sender("a", nil, open).isUnproven)

        let first = try slots.take(for: sender("a", nil, open))
        let second = try slots.take(for: sender("a", nil, open))
        #expect(throws: Refusal.self) { try slots.take(for: sender("a", nil, open)) }
        let third = try slots.take(for: sender("b", nil, open))
        second()
        let fourth = try slots.take(for: sender("a", nil, open))
        for release in [first, third, fourth] { release() }
        let unproven = try slots.take(for: sender("a", nil, listed))
        #expect(throws: Refusal.self) { try slots.take(for: sender("a", nil, listed)) }
        let other = try slots.take(for: sender("b", nil, listed))
        #expect(throws: Refusal.self) { try slots.take(for: sender("c", nil, listed)) }
        let proven = try slots.take(for: sender("c", key(1), listed))
        for release in [unproven, other, proven] { release() }
    }
}
