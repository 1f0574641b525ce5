import Fabric
import Foundation
import SystemPackage
import Testing

@testable import CarrierHTTP

/// Who gets in, and what is recorded (`http-inbox.md`, section 6, rows 5 to 9).
@Suite struct InboxAuthorizationTests {
    private func field(_ body: [UInt8], _ signer: SigningKey, ago seconds: Int64 = 0) -> String {
        let date = Timestamp(seconds: Timestamp.now().seconds - seconds)
        return "Authorization: " + Authorization(signing: Digest(of: body), with: signer, at: date).headerValue
    }

    @Test func ignoresABadSignatureWhereNoneIsRequired() async throws {
        try await TestInbox.with { inbox in
            for (name, value) in [
                ("a.tza", "Authorization: TIBET-SIG-V1 a|b|c"), ("b.tza", field([9], key(1))),
                ("c.tza", "Authorization: Bearer x"), ("d.tza", field([1], key(1), ago: 1000)),
            ] {
                let answer = await inbox.post(name, [1], headers: [value])
                #expect(answer.status == 201)
                #expect(answer.body.hasSuffix("[invalid-auth]\n"))
            }
            #expect(await inbox.arrivals(4).allSatisfy { $0.authentication == .invalid })
        }
    }

    @Test func requiresASignature() async throws {
        try await TestInbox.with(policy: AuthorizationPolicy(requiresSignature: true)) { inbox in
            #expect(await inbox.post("a.tza", [1]).status == 401)
            #expect(await inbox.post("a.tza", [1], headers: [field([2], key(1))]).status == 401)
            #expect(await inbox.post("a.tza", [1], headers: [field([1], key(1), ago: 900)]).status == 401)
            #expect(await inbox.post("a.tza", [1], headers: [field([1], key(1), ago: -900)]).status == 401)
            #expect(inbox.workspace.visible().isEmpty)
            #expect(inbox.workspace.leftovers.isEmpty)
            let answer = await inbox.post("a.tza", [1], headers: [field([1], key(1))])
            #expect(answer.status == 201)
            #expect(answer.body.contains("signed-by=\(key(1).publicKey.hex.prefix(16))... allowed=True no-claim"))
            let error = await #expect(throws: CarrierError.self) {
                try await carrier().deliver(envelope("b.tza", [1]), along: inbox.route, reporting: .none)
            }
            #expect(error?.kind == .refused)
            #expect(error?.action == .waitForPerson)
        }
    }

    @Test func anAllowListIsEnforced() async throws {
        try await TestInbox.with(policy: AuthorizationPolicy(trustedKeys: [key(1).publicKey])) { inbox in
            #expect(await inbox.post("a.tza", [1]).status == 401)
            let stranger = field([1], key(2))
            // Known before the body: the answer comes although nothing was sent.
            let head = "POST /inbox/a.tza HTTP/1.1\r\nContent-Length: 1\r\n\(stranger)\r\n\r\n"
            #expect(await inbox.exchange(head).status == 401)
            #expect(await inbox.post("a.tza", [1], headers: [field([1], key(1))]).status == 201)
        }
    }

    @Test func onlyTheKeyThatTheClaimIsPinnedToGetsIn() async throws {
        var policy = AuthorizationPolicy()
        policy.requiresPin = true
        let known = key(1).publicKey
        try await TestInbox.with(
            policy: policy, keyOfClaim: { claim in claim == "jis:a:b@alice" ? known : nil }
        ) { inbox in
            let (alice, bob) = ("X-TIBET-Sender-DID: jis:a:b@alice", "X-TIBET-Sender-DID: jis:a:b@bob")
            for headers in [
                [], [alice], [field([1], key(1))], [field([1], key(2)), alice], [field([1], key(1)), bob],
            ] {
                #expect(await inbox.post("a.tza", [1], headers: headers).status == 401, "\(headers)")
            }
            #expect(inbox.workspace.visible().isEmpty)
            #expect(await inbox.post("a.tza", [1], headers: [field([1], key(1)), alice]).status == 201)
        }
    }

    @Test func theOldFormAndUpperCaseAreUnderstood() async throws {
        try await TestInbox.with(policy: AuthorizationPolicy(requiresSignature: true)) { inbox in
            let colon = field([1], key(1)).replacing("|", with: ":")
            #expect(await inbox.post("a.tza", [1], headers: [colon]).status == 201)
            let parts = field([2], key(1)).split(separator: "|").map(String.init)
            let upper = [parts[0].replacing(key(1).publicKey.hex, with: key(1).publicKey.hex.uppercased()), parts[1]]
            #expect(
                await inbox.post("b.tza", [2], headers: [upper.joined(separator: "|") + "|" + parts[2].uppercased()])
                    .status == 201)
        }
    }

    @Test func aReplayIsAnsweredAndNotStored() async throws {
        try await TestInbox.with { inbox in
            let value = field([1], key(1))
            #expect(await inbox.post("a.tza", [1], headers: [value]).status == 201)
            #expect(await inbox.post("a.tza", [1], headers: [value]).status == 200)
            let other = await inbox.post("other.tza", [1], headers: [value])
            #expect(other.status == 200)
            #expect(other["TIBET-Stored-Name"] == "a.tza")
            #expect(inbox.workspace.visible() == ["a.tza"])
            // A delivery of its own has a timestamp of its own.
            #expect(await inbox.post("b.tza", [1], headers: [field([1], key(1), ago: 5)]).status == 201)
            let arrivals = await inbox.arrivals(4)
            #expect(arrivals.map(\.requestedName.text) == ["a.tza", "a.tza", "a.tza", "b.tza"])
            #expect(arrivals.map(\.publication.outcome) == [.created, .duplicate, .duplicate, .created])
        }
    }

    @Test func aReplayIsKnownAfterARestart() async throws {
        let workspace = Workspace()
        let value = field([1], key(1))
        try await TestInbox.with(workspace: workspace) { inbox in
            #expect(await inbox.post("a.tza", [1], headers: [value]).status == 201)
        }
        try await TestInbox.with(workspace: workspace) { inbox in
            let answer = await inbox.post("c.tza", [1], headers: [value])
            #expect(answer.status == 200)
            #expect(answer["TIBET-Stored-Name"] == "a.tza")
        }
        #expect(workspace.visible() == ["a.tza"])
    }

    /// The owner has taken the envelope away: there is nothing to process.
    @Test func aReplayOfWhatIsGoneIsNoArrival() async throws {
        try await TestInbox.with { inbox in
            let value = field([1], key(1))
            _ = await inbox.post("a.tza", [1], headers: [value])
            try FileManager.default.removeItem(atPath: inbox.workspace.path.appending("lane/a.tza").string)
            #expect(await inbox.post("a.tza", [1], headers: [value]).status == 200)
            _ = await inbox.post("b.tza", [2])
            #expect(await inbox.arrivals(2).map(\.requestedName.text) == ["a.tza", "b.tza"])
        }
    }

    @Test func twoAuthorizationsAreNone() async throws {
        try await TestInbox.with(policy: AuthorizationPolicy(requiresSignature: true)) { inbox in
            let value = field([1], key(1))
            #expect(await inbox.post("a.tza", [1], headers: [value, value]).status == 401)
        }
    }

    @Test func anImpossibleWindowLetsNobodyIn() async throws {
        try await TestInbox.with(policy: AuthorizationPolicy(window: .seconds(-1))) { inbox in
            _ = await inbox.post("a.tza", [1], headers: [field([1], key(1))])
            #expect(await inbox.arrivals(1)[0].authentication == .invalid)
        }
    }
}
