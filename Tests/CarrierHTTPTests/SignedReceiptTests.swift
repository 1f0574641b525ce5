import Fabric
import Foundation
import SystemPackage
import Testing

@testable import CarrierHTTP

/// What the listener signs when an envelope is stored, and what the carrier makes of it.
@Suite struct SignedReceiptTests {
    @Test(arguments: [1000, 2_000_000]) func theListenerSignsWhatItStored(_ size: Int) async throws {
        try await TestInbox.with(receiptKey: key(7)) { inbox in
            let object = envelope("a.tza", pattern(size))
            for isAgain in [false, true] {
                let receipt = try await carrier(key(1)).deliver(object, along: inbox.route, reporting: .none)
                #expect(receipt.wasDuplicate == isAgain)
                #expect(receipt.proof(of: object.digest, receiver: key(7).publicKey) == .proven(by: key(7).publicKey))
                #expect(receipt.proof(of: object.digest, receiver: nil) == .unknownSigner(key(7).publicKey))
                #expect(
                    receipt.proof(of: object.digest, receiver: key(8).publicKey)
                        == .otherSigner(found: key(7).publicKey, expected: key(8).publicKey))
                #expect(receipt.proof(of: Digest(of: [1]), receiver: key(7).publicKey) == .invalid)
            }
        }
    }

    /// The name that is signed is the one that the file has.
    @Test func whatIsKeptBesideIsSignedWithItsOwnName() async throws {
        try await TestInbox.with(receiptKey: key(7)) { inbox in
            _ = await inbox.post("a.tza", [1])
            let object = envelope("a.tza", [2])
            let receipt = try await carrier().deliver(object, along: inbox.route, reporting: .none)
            #expect(receipt.signed?.storedName.text == "a.\(object.digest.shortHex).tza")
            #expect(receipt.proof(of: object.digest, receiver: key(7).publicKey).isProven)
        }
    }

    @Test func nothingIsSignedWithoutAKey() async throws {
        try await TestInbox.with { inbox in
            let object = envelope("a.tza", [2])
            let receipt = try await carrier().deliver(object, along: inbox.route, reporting: .none)
            #expect(receipt.proof(of: object.digest, receiver: key(7).publicKey) == .unsigned)
        }
    }

    /// The owner has taken the envelope away, so that it is stored is not true any more.
    @Test func aReplayOfWhatIsGoneIsNotSigned() async throws {
        try await TestInbox.with(receiptKey: key(7)) { inbox in
            let field = "Authorization: " + Authorization(signing: Digest(of: [1]), with: key(1)).headerValue
            #expect(await inbox.post("a.tza", [1], headers: [field])["TIBET-Receipt"] != nil)
            #expect(await inbox.post("a.tza", [1], headers: [field])["TIBET-Receipt"] != nil)
            try FileManager.default.removeItem(atPath: inbox.workspace.path.appending("lane/a.tza").string)
            let answer = await inbox.post("a.tza", [1], headers: [field])
            #expect(answer.status == 200)
            #expect(answer["TIBET-Receipt"] == nil)
        }
    }

    @Test(arguments: ["x", "TIBET-RECEIPT-V1 a|b|c|d|e"])
    func aFieldThatIsNotAReceiptIsIgnored(_ field: String) async throws {
        let digest = StructuredFields.text(of: Digest(of: [1]))
        let server = RawServer { socket in
            _ = socket.receiveHead()
            socket.send(
                "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nTIBET-Outcome: created\r\n"
                    + "TIBET-Stored-Name: a.tza\r\nRepr-Digest: \(digest)\r\nTIBET-Receipt: \(field)\r\n\r\n")
        }
        let receipt = try await carrier().deliver(
            envelope("a.tza", [1]), along: Route(scheme: "http", address: server.url), reporting: .none)
        #expect(receipt.strength == .stored)
        #expect(receipt.signed == nil)
    }
}
