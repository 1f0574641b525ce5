import Fabric
import Foundation
import Testing

@testable import CarrierHTTP

/// A connection that is cut, wherever it is, leaves nothing published and nothing half-written.
@Suite struct CutTests {
    enum End: CaseIterable, Sendable { case close, reset, halfClose }

    /// The end of each header line, each byte around the end of the header, and places in the body.
    static func positions(_ request: [UInt8], headLength: Int) -> [Int] {
        let lineEnds = request[..<headLength].indices.filter { request[$0] == UInt8(ascii: "\n") }.map { $0 + 1 }
        let around = [headLength - 3, headLength - 1, headLength, headLength + 1]
        let body = [headLength + 1000, headLength + 70_000, request.count - 1]
        return Array(Set([0, 1, 4] + lineEnds + around + body)).sorted()
    }

    @Test(arguments: End.allCases) func aPostThatIsCutLeavesNothing(_ end: End) async throws {
        let body = pattern(200_000)
        let request = TestInbox.request("POST", "/inbox/a.tza", body, headers: ["X-One: 1", "X-Two: 2"])
        let workspace = Workspace()
        try await TestInbox.with(workspace: workspace) { inbox in
            for position in Self.positions(request, headLength: request.count - body.count) {
                await cut(request, at: position, end, port: inbox.address.port)
            }
            // The listener is as well as before.
            #expect(await inbox.post("whole.tza", [1]).status == 201)
        }
        #expect(workspace.visible() == ["whole.tza"])
        #expect(workspace.leftovers.isEmpty)
    }

    @Test(arguments: End.allCases) func aPatchThatIsCutLeavesOnlyWhatCanBeGoneOnWith(_ end: End) async throws {
        let body = pattern(200_000)
        let object = envelope("a.tza", body)
        let id = UploadID.derive(
            name: object.name, digest: object.digest, size: object.size, owner: .key(key(1).publicKey))
        let field = "Authorization: " + Authorization(signing: object.digest, with: key(1)).headerValue
        let workspace = Workspace()
        try await TestInbox.with(workspace: workspace) { inbox in
            let announcement = [
                "Upload-Complete: ?0", "Upload-Length: 200000",
                "Repr-Digest: " + StructuredFields.text(of: object.digest), field,
            ]
            #expect(await inbox.post("a.tza", [], headers: announcement).status == 201)
            let request = ResumeTests.patch(id, from: 0, body, headers: [field])
            for position in Self.positions(request, headLength: request.count - body.count) {
                await cut(request, at: position, end, port: inbox.address.port)
            }
            #expect(workspace.visible().isEmpty)
            #expect(Set(workspace.all("lane/.uploads")) == [id + ".json", id + ".part"])
            let receipt = try await carrier(key(1)) { $0.resumeThreshold = 1 }.deliver(
                object, along: inbox.route, reporting: .none)
            #expect(receipt.farDigest == object.digest)
        }
        #expect(workspace.content("a.tza") == body)
        #expect(workspace.leftovers.isEmpty)
    }

    /// Sends the first bytes of a request and ends the connection; returns when the listener has noticed, where it
    /// shows.
    private func cut(_ request: [UInt8], at position: Int, _ end: End, port: Int) async {
        await blocking {
            let socket = RawSocket(port: port)
            socket.send(Array(request[..<position]))
            switch end {
            case .close: break
            case .reset: socket.resetOnClose()
            case .halfClose:
                socket.halfClose()
                _ = socket.isClosedByPeer()
            }
        }
    }
}
