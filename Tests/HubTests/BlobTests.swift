import Fabric
import Foundation
import Hub
import ProgramRunner
import Testing

@Suite("Blobs")
struct BlobTests {
    private func create(_ hub: TestHub, _ bytes: [UInt8], digest: Digest? = nil) async throws -> TestAnswer {
        try await hub.post(
            "/api/blobs",
            [
                "agent": "alice", "to": "bob", "size_bytes": .integer(bytes.count),
                "digest": .text((digest ?? Digest(of: bytes)).description), "name": "x.tza",
            ])
    }

    private func add(_ hub: TestHub, _ id: String, _ bytes: [UInt8], at offset: Int) async throws -> TestAnswer {
        try await hub.ask(
            "PATCH", "/api/blobs/\(id)?agent=alice", bytes: bytes, headers: ["Upload-Offset": "\(offset)"])
    }

    @Test("A blob comes in pieces, goes on after a restart, and is read in any part")
    func pieces() async throws {
        let hub = try await TestHub()
        let bytes = noise(2_500_000)
        let made = try await create(hub, bytes)
        let id = try #require(made["blob_id"]?.text)
        let size = Int(try #require(made["chunk_bytes"]?.integer))
        #expect(made.status == 201 && made["received"]?.integer == 0)
        #expect(try await add(hub, id, Array(bytes[..<size]), at: 0)["received"]?.integer == Int64(size))
        let wrong = try await add(hub, id, Array(bytes[..<10]), at: 5)
        #expect(wrong.status == 409 && wrong.code == "wrong_offset" && wrong["received"]?.integer == Int64(size))
        #expect(try await hub.get("/api/blobs/\(id)/content?agent=bob").code == "blob_incomplete")
        let early = try await hub.send(["blob_id": .text(id)], on: try await hub.open())
        #expect(early.status == 409 && early.code == "blob_incomplete")
        await hub.stop()

        let next = try await TestHub(in: hub.folder)
        let found = try await create(next, bytes)
        #expect(found.status == 200 && found["blob_id"]?.text == id && found["received"]?.integer == Int64(size))
        #expect(try await add(next, id, Array(bytes[size..<2 * size]), at: size).status == 200)
        let done = try await add(next, id, Array(bytes[(2 * size)...]), at: 2 * size)
        #expect(done["complete"]?.bool == true && done["computed_digest"]?.text == Digest(of: bytes).description)
        let target = "/api/blobs/\(id)/content?agent=bob"
        #expect(try await next.get(target).body == Data(bytes))
        for (range, part) in [
            ("bytes=1000000-", 1_000_000..<2_500_000), ("bytes=5-9", 5..<10), ("bytes=-3", 2_499_997..<2_500_000),
            ("bytes=2499999-9999999", 2_499_999..<2_500_000),
        ] {
            let answer = try await next.ask("GET", target, headers: ["Range": range])
            #expect(answer.status == 206 && answer.body == Data(bytes[part]), "\(range)")
            #expect(answer.headers["content-range"] == "bytes \(part.lowerBound)-\(part.upperBound - 1)/2500000")
        }
        for range in ["bytes=2500000-", "bytes=9-5", "bytes=x-", "lines=1-2"] {
            #expect(try await next.ask("GET", target, headers: ["Range": range]).status == 416, "\(range)")
        }
        #expect(try await next.send(["blob_id": .text(id)], on: try await next.open()).status == 200)
        await next.stop()
    }

    @Test("Bytes of another digest are refused, and so is more than was announced")
    func wrongBytes() async throws {
        let hub = try await TestHub()
        let id = try #require(try await create(hub, [1, 2, 3], digest: Digest(of: [9]))["blob_id"]?.text)
        #expect(try await add(hub, id, [1, 2, 3, 4], at: 0).code == "beyond_end")
        let mismatch = try await add(hub, id, [1, 2, 3], at: 0)
        #expect(mismatch.status == 422 && mismatch.code == "digest_mismatch")
        #expect(try await hub.get("/api/blobs/\(id)?agent=alice").code == "unknown_blob")
        #expect(try await add(hub, id, noise((1 << 20) + 1), at: 0).status == 413)
        await hub.stop()
    }

    @Test("An empty blob is complete once it was given nothing")
    func empty() async throws {
        let hub = try await TestHub()
        let made = try await create(hub, [])
        let id = try #require(made["blob_id"]?.text)
        #expect(try await add(hub, id, [], at: 0)["complete"]?.bool == true)
        #expect(try await hub.get("/api/blobs/\(id)/content?agent=bob").body.isEmpty)
        await hub.stop()
    }

    @Test("A file of the peers becomes a blob that a message can carry")
    func filePush() async throws {
        let hub = try await TestHub()
        let bytes = noise(1000)
        let answer = try await hub.post(
            "/api/ipoll/file/push",
            [
                "from_agent": "alice", "to_agent": "bob.aint", "filename": "f.json",
                "data_base64": .text(Data(bytes).base64EncodedString()), "description": "d", "poll_id": "p",
            ])
        #expect(answer.status == 200 && answer["digest"]?.text == Digest(of: bytes).description)
        let id = try #require(answer["file_id"]?.text)
        #expect(try await hub.get("/api/blobs/\(id)/content?agent=bob").body == Data(bytes))
        try await hub.push("see", metadata: ["blob_id": .text(id), "envelope_name": "x.tza"])
        let poll = try await hub.get("/api/ipoll/pull/bob")["polls"]?.list?.first
        #expect(poll?["blob_id"]?.text == id && poll?["kind"]?.text == "envelope")
        let bad = try await hub.post(
            "/api/ipoll/file/push",
            ["from_agent": "a", "to_agent": "b", "filename": "f", "data_base64": "not base64!"])
        #expect(bad.status == 422)
        await hub.stop()
    }
}
