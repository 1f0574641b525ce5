import Fabric
import Foundation
import ProgramRunner
import SystemPackage
import Testing

@testable import CarrierHTTP

/// Interrupted uploads go on from where they stopped, whichever side was restarted.
@Suite struct ResumeTests {
    static let bytes = pattern(6_000_000)
    static let whole = envelope("a.tza", bytes)
    static let broken = BreakingSource.envelope("a.tza", bytes, breaksAt: 5_000_000)

    /// Sends until the source breaks.
    private func interrupt(_ inbox: TestInbox, _ sender: HTTPCarrier) async {
        let error = await #expect(throws: CarrierError.self) {
            try await sender.deliver(Self.broken, along: inbox.route, reporting: .none)
        }
        // A file of this machine that cannot be read says nothing of the envelope: it is tried again.
        #expect(error?.kind == .misconfigured && error?.action == .retry(after: nil))
        #expect(inbox.workspace.visible().isEmpty)
    }

    @Test(arguments: [nil, key(1)]) func goesOnAfterTheSenderDied(_ signer: SigningKey?) async throws {
        try await TestInbox.with { inbox in
            await interrupt(inbox, carrier(signer))
            var held: Int64 = 0
            // A listener that has yet to notice that the first connection is gone cannot say; each question waits for it.
            for _ in 0..<30 where held == 0 {
                held = try await carrier(signer).bytesHeld(of: Self.whole, along: inbox.route)
            }
            #expect(held > 0)
            let receipt = try await carrier(signer).deliver(Self.whole, along: inbox.route, reporting: .none)
            #expect(receipt.resumedFrom == held)
            #expect(receipt.strength == .stored)
            #expect(inbox.workspace.content("a.tza") == Self.bytes)
            let arrival = await inbox.arrivals(1)[0]
            #expect(arrival.resumedFrom == held)
            // What is left is the note that it was finished.
            #expect(inbox.workspace.all("lane/.uploads").map { $0.suffix(5) } == [".done"])
        }
    }

    @Test func goesOnAfterTheListenerWasRestarted() async throws {
        let workspace = Workspace()
        try await TestInbox.with(workspace: workspace) { await interrupt($0, carrier(key(1))) }
        try await TestInbox.with(workspace: workspace) { inbox in
            let receipt = try await carrier(key(1)).deliver(Self.whole, along: inbox.route, reporting: .none)
            #expect(receipt.resumedFrom > 0)
            #expect(workspace.content("a.tza") == Self.bytes)
        }
    }

    @Test func beginsAgainWhenWhatIsHeldIsNotWhatWasSent() async throws {
        let workspace = Workspace()
        try await TestInbox.with(workspace: workspace) { await interrupt($0, carrier(key(1))) }
        let part = try #require(workspace.all("lane/.uploads").first { $0.hasSuffix(".part") })
        let path = workspace.path.appending("lane/.uploads").appending(part).string
        let file = try #require(FileHandle(forUpdatingAtPath: path))
        file.seek(toFileOffset: 1000)
        file.write(Data([1, 2, 3, 4, 5]))
        try file.close()
        try await TestInbox.with(workspace: workspace) { inbox in
            #expect(try await carrier(key(1)).bytesHeld(of: Self.whole, along: inbox.route) == 0)
            let receipt = try await carrier(key(1)).deliver(Self.whole, along: inbox.route, reporting: .none)
            #expect(receipt.resumedFrom == 0)
            #expect(workspace.content("a.tza") == Self.bytes)
        }
    }

    @Test func goesOnAfterACancellation() async throws {
        try await TestInbox.with { inbox in
            let object = ZeroSource.envelope("big.tza", size: 100 << 20)
            let moved = Event()
            let task = Task {
                try await carrier().deliver(
                    object, along: inbox.route,
                    reporting: ProgressSink { bytes in if bytes > 8 << 20 { moved.happen() } })
            }
            await moved.wait()
            task.cancel()
            let error = await #expect(throws: CarrierError.self) { try await task.value }
            #expect(error?.kind == .cancelled)
            #expect(inbox.workspace.visible().isEmpty)
            let receipt = try await carrier().deliver(object, along: inbox.route, reporting: .none)
            #expect(receipt.resumedFrom > 0)
            #expect(receipt.farDigest == object.digest)
        }
    }

    @Test func takesOverFromAConnectionThatFellSilent() async throws {
        try await TestInbox.with { inbox in
            let id = UploadID.derive(
                name: Self.whole.name, digest: Self.whole.digest, size: Self.whole.size,
                owner: .key(key(1).publicKey))
            let field = "Authorization: " + Authorization(signing: Self.whole.digest, with: key(1)).headerValue
            #expect(await announce(inbox, headers: [field]).status == 201)
            let port = inbox.address.port
            let silent = await blocking { () -> RawSocket in
                let socket = RawSocket(port: port)
                socket.send(
                    Self.patch(
                        id, from: 0, Array(Self.bytes[..<3_000_000]), length: Self.bytes.count, headers: [field]))
                return socket
            }
            // Only what the listener has begun to store can be taken over.
            let workspace = inbox.workspace
            #expect(
                try await Repeated.until(within: .seconds(30)) {
                    workspace.content(".uploads/\(id).part")?.isEmpty == false
                })
            let receipt = try await carrier(key(1)).deliver(Self.whole, along: inbox.route, reporting: .none)
            #expect(receipt.resumedFrom > 0)
            #expect(inbox.workspace.content("a.tza") == Self.bytes)
            withExtendedLifetime(silent) {}
        }
    }

    /// The sender whose receipt was lost asks again, also of a listener that was restarted since.
    @Test(arguments: [nil, key(1)]) func whatIsThereNeedNotComeAgain(_ signer: SigningKey?) async throws {
        let workspace = Workspace()
        try await TestInbox.with(workspace: workspace) { inbox in
            _ = try await carrier(signer).deliver(Self.whole, along: inbox.route, reporting: .none)
            let receipt = try await carrier(signer).deliver(Self.whole, along: inbox.route, reporting: .none)
            #expect(receipt.wasDuplicate)
            #expect(receipt.resumedFrom == Self.whole.size)
            let arrivals = await inbox.arrivals(2)
            #expect(arrivals.map(\.publication.outcome) == [.created, .duplicate])
            #expect(arrivals[1].publication.storedName.text == "a.tza")
            #expect(arrivals[1].resumedFrom == Self.whole.size)
            // Another sender has to bring the bytes.
            let other = try await carrier(key(2)).deliver(Self.whole, along: inbox.route, reporting: .none)
            #expect(other.wasDuplicate)
            #expect(other.resumedFrom == 0)
        }
        guard let signer else { return }
        try await TestInbox.with(workspace: workspace) { inbox in
            let receipt = try await carrier(signer).deliver(Self.whole, along: inbox.route, reporting: .none)
            #expect(receipt.resumedFrom == Self.whole.size)
        }
    }

    @Test func fallsBackWhenTooManyAreUnfinished() async throws {
        var limits = TestInbox.quick()
        limits.unfinishedUploads = 0
        try await TestInbox.with(limits: limits) { inbox in
            let receipt = try await carrier().deliver(Self.whole, along: inbox.route, reporting: .none)
            #expect(receipt.strength == .stored)
            #expect(inbox.workspace.content("a.tza") == Self.bytes)
        }
    }

    @Test func oldUploadsGoAtTheStart() async throws {
        let workspace = Workspace()
        try await TestInbox.with(workspace: workspace) { await interrupt($0, carrier()) }
        var limits = TestInbox.quick()
        try await TestInbox.with(workspace: workspace, limits: limits) { _ in
            #expect(workspace.all("lane/.uploads").count == 2)
        }
        limits.unfinishedUploadAge = .zero
        try await TestInbox.with(workspace: workspace, limits: limits) { _ in
            #expect(workspace.all("lane/.uploads").isEmpty)
        }
    }

    @Test func abandonedDepositsGoAtTheStart() async throws {
        let workspace = Workspace()
        let name = ".0123456789abcdef.part"
        try await TestInbox.with(workspace: workspace) { _ in }
        _ = workspace.write([1], to: "lane/" + name)
        try await TestInbox.with(workspace: workspace) { _ in #expect(workspace.leftovers.isEmpty) }
    }
}

/// The rules of the upload resource, seen by a client that speaks raw HTTP.
extension ResumeTests {
    static func patch(
        _ id: String, from offset: Int, _ body: [UInt8], length: Int? = nil, headers: [String] = []
    ) -> [UInt8] {
        TestInbox.request(
            "PATCH", "/inbox/.uploads/" + id, body,
            headers: [
                "Upload-Offset: \(offset)", "Upload-Complete: ?1", "Content-Type: application/partial-upload",
            ] + headers, length: length)
    }

    private func announce(
        _ inbox: TestInbox, digest: Digest = whole.digest, size: Int = bytes.count, headers: [String] = []
    ) async -> RawAnswer {
        await inbox.post(
            "a.tza", [],
            headers: [
                "Upload-Complete: ?0", "Upload-Length: \(size)",
                "Repr-Digest: " + StructuredFields.text(of: digest),
            ] + headers)
    }

    @Test func anAnnouncementNamesTheUpload() async throws {
        try await TestInbox.with { inbox in
            let token = String(repeating: "5", count: 64)
            let answer = await announce(inbox, headers: ["TIBET-Upload-Token: " + token])
            #expect(answer.status == 201)
            let id = UploadID.derive(
                name: Self.whole.name, digest: Self.whole.digest, size: Self.whole.size, owner: .token(token))
            #expect(answer["Location"] == "/inbox/.uploads/" + id)
            #expect(answer["Upload-Offset"] == "0")
            #expect(answer["Upload-Complete"] == "?0")
            #expect(answer["TIBET-Upload-Prefix-Digest"] == StructuredFields.text(of: Digest(of: [])))
            #expect(
                await announce(inbox, headers: ["TIBET-Upload-Token: " + token])["Location"] == answer["Location"])
            // Without a token nothing is found again, and each upload has an id that nothing was derived from.
            let others = [await announce(inbox)["Location"], await announce(inbox)["Location"], answer["Location"]]
            #expect(Set(others).count == 3)
        }
    }

    @Test func aBadAnnouncementIsRefused() async throws {
        var limits = TestInbox.quick()
        limits.largestBody = 1000
        try await TestInbox.with(limits: limits) { inbox in
            #expect(await announce(inbox, size: 0).status == 400)
            #expect(await announce(inbox, size: 1001).status == 413)
            let head = ["Upload-Complete: ?0", "Upload-Length: 10"]
            #expect(await inbox.post("a.tza", [], headers: head).status == 400)
            #expect(await inbox.post("a.tza", [1], headers: head).status == 400)
            #expect(inbox.workspace.all("lane/.uploads").isEmpty)
        }
    }

    @Test func offsetsMustFit() async throws {
        try await TestInbox.with { inbox in
            let body = pattern(1000)
            let id = try await upload(inbox, of: body)
            #expect(await inbox.exchange(Self.patch(id, from: 500, Array(body[500...]))).status == 409)
            #expect(await inbox.exchange(Self.patch(id, from: 0, Array(body[..<999]))).status == 400)
            let half = await inbox.exchange(
                Self.patch(id, from: 0, Array(body[..<600]), length: 1000), halfClose: true)
            #expect(half.status == 400)
            let status = await inbox.exchange(TestInbox.request("HEAD", "/inbox/.uploads/" + id, []))
            #expect(status.status == 204)
            #expect(status["Upload-Offset"] == "600")
            #expect(status["TIBET-Upload-Prefix-Digest"] == StructuredFields.text(of: Digest(of: body[..<600])))
            let conflict = await inbox.exchange(Self.patch(id, from: 601, Array(body[601...])))
            #expect(conflict.status == 409)
            #expect(conflict["Upload-Offset"] == "600")
            let answer = await inbox.exchange(Self.patch(id, from: 600, Array(body[600...])))
            #expect(answer.status == 201)
            #expect(inbox.workspace.content("a.tza") == body)
            #expect(await inbox.exchange(Self.patch(id, from: 0, body)).status == 404)
        }
    }

    @Test func otherBytesThanAnnouncedAreThrownAway() async throws {
        try await TestInbox.with { inbox in
            let id = try await upload(inbox, of: pattern(1000, seed: 1))
            let answer = await inbox.exchange(Self.patch(id, from: 0, pattern(1000, seed: 2)))
            #expect(answer.status == 400)
            #expect(ErrorBody(parsing: Array(answer.body.utf8))?.error == "digest-mismatch")
            #expect(inbox.workspace.visible().isEmpty)
            #expect(inbox.workspace.all("lane/.uploads").isEmpty)
        }
    }

    @Test func anUploadCanBeCancelled() async throws {
        try await TestInbox.with { inbox in
            let id = try await upload(inbox, of: pattern(1000))
            #expect(await inbox.exchange(TestInbox.request("DELETE", "/inbox/.uploads/" + id, [])).status == 204)
            #expect(await inbox.exchange(TestInbox.request("DELETE", "/inbox/.uploads/" + id, [])).status == 404)
            #expect(inbox.workspace.all("lane/.uploads").isEmpty)
        }
    }

    @Test func onlyItsOwnerGoesOnWithAnUpload() async throws {
        try await TestInbox.with { inbox in
            let body = pattern(1000)
            func field(_ signer: SigningKey) -> String {
                "Authorization: " + Authorization(signing: Digest(of: body), with: signer).headerValue
            }
            let answer = await announce(inbox, digest: Digest(of: body), size: 1000, headers: [field(key(1))])
            let id = try #require(answer["Location"].flatMap { UploadID.parse(location: $0) })
            for method in ["HEAD", "DELETE"] {
                let request = TestInbox.request(method, "/inbox/.uploads/" + id, [], headers: ["Connection: close"])
                #expect(await inbox.exchange(request).status == 404)
            }
            #expect(await inbox.exchange(Self.patch(id, from: 0, body)).status == 404)
            #expect(await inbox.exchange(Self.patch(id, from: 0, body, headers: [field(key(2))])).status == 404)
            let forged = Authorization(signing: Digest(of: [1]), with: key(1)).headerValue
            let request = Self.patch(id, from: 0, body, headers: ["Authorization: " + forged])
            #expect(await inbox.exchange(request).status == 404)
            #expect(await inbox.exchange(Self.patch(id, from: 0, body, headers: [field(key(1))])).status == 201)
            #expect(await inbox.arrivals(1)[0].authentication == .valid(key: key(1).publicKey, claim: nil))
        }
    }

    /// The owner's connection is neither closed nor waited for.
    @Test func othersDoNotTakeAnUploadFromASilentOwner() async throws {
        try await TestInbox.with { inbox in
            let field = "Authorization: " + Authorization(signing: Self.whole.digest, with: key(1)).headerValue
            let answer = await announce(inbox, headers: [field])
            let id = try #require(answer["Location"].flatMap { UploadID.parse(location: $0) })
            let port = inbox.address.port
            let owner = await blocking { () -> RawSocket in
                let socket = RawSocket(port: port)
                socket.send(
                    Self.patch(
                        id, from: 0, Array(Self.bytes[..<3_000_000]), length: Self.bytes.count, headers: [field]))
                return socket
            }
            let workspace = inbox.workspace
            #expect(
                try await Repeated.until(within: .seconds(30)) {
                    workspace.content(".uploads/\(id).part")?.isEmpty == false
                })
            // The public key alone, as it stands in each request of the owner.
            let forged = Authorization(signing: Digest(of: [1]), with: key(1)).headerValue
            for method in ["HEAD", "DELETE"] {
                for headers in [[], ["Authorization: " + forged]] {
                    let request = TestInbox.request(
                        method, "/inbox/.uploads/" + id, [], headers: headers + ["Connection: close"])
                    #expect(await inbox.exchange(request).status == 404)
                }
            }
            let stored = await blocking {
                owner.send(Array(Self.bytes[3_000_000...]))
                return owner.readAnswer()
            }
            #expect(stored.status == 201)
        }
    }

    @Test func aPatchOfAnotherTypeIsRefused() async throws {
        try await TestInbox.with { inbox in
            let id = try await upload(inbox, of: pattern(10))
            let request = TestInbox.request(
                "PATCH", "/inbox/.uploads/" + id, pattern(10), headers: ["Upload-Offset: 0"])
            #expect(await inbox.exchange(request).status == 415)
        }
    }

    private func upload(_ inbox: TestInbox, of body: [UInt8]) async throws -> String {
        let answer = await announce(inbox, digest: Digest(of: body), size: body.count)
        return try #require(answer["Location"].flatMap { UploadID.parse(location: $0) })
    }
}
