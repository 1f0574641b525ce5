import Foundation
import ProgramRunner
import Testing

/// What a person sees of a name service: a static one, over Python's HTTP server.
@Suite("Names on the command line")
struct NameServiceTests {
    private static let first = String(repeating: "01", count: 32)
    private static let second = String(repeating: "02", count: 32)

    private func serve(_ folder: WorkFolder) async throws -> (program: Program, url: String) {
        let program = try Program(
            "/usr/bin/python3", ["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", "site", "0"],
            in: folder.url)
        let line = try await program.line(containing: "Serving HTTP on")
        let port = try #require(line.split(separator: " ").compactMap { Int($0) }.first)
        return (program, "http://127.0.0.1:\(port)/resolve")
    }

    private func write(_ key: String, _ more: String, to folder: WorkFolder) throws {
        let text = """
            {"status": "found", "domain": "bob.aint", "record": {"agent": "bob", "endpoint": "http://127.0.0.1:9",
             "public_key": "ed25519:\(key)", "trust_score": 0.8, "capabilities": ["push"], "ttl": 0\(more)}}
            """
        try folder.write("site/resolve/bob", text.utf8)
    }

    @Test(
        "A record is shown, a changed key stops, a rotated one goes on, a revoked receiver is refused",
        .timeLimit(.minutes(2)))
    func changedKey() async throws {
        let folder = try WorkFolder()
        try write(Self.first, "", to: folder)
        let (server, url) = try await serve(folder)
        let environment = ["TIBET_AINS_API_URL": url]
        func tcd(_ words: String...) async throws -> Program.Outcome {
            try await BuiltProgram.start(words, in: folder.url, environment: environment).outcome()
        }

        var outcome = try await tcd("resolve", "jis:acme:ci@bob.aint", "--json")
        #expect(outcome.status == 0, "\(outcome)")
        var object = try #require(try outcome.objects().last)
        #expect(object["key_standing"] as? String == "new")
        #expect(object["capabilities"] as? [String] == ["push"])
        #expect((object["receiver"] as? [String: Any])?["pubkey_hex"] as? String == Self.first)
        #expect(((object["routes"] as? [[String: Any]])?.first)?["address"] as? String == "http://127.0.0.1:9")
        #expect(!folder.holds("state/trust"))

        #expect(try await tcd("trust", "add", "ains", "bob.aint", Self.first).status == 0)
        outcome = try await tcd("resolve", "bob", "--json")
        object = try #require(try outcome.objects().last)
        #expect(object["key_standing"] as? String == "pinned")

        try write(Self.second, "", to: folder)
        outcome = try await tcd("resolve", "bob")
        #expect(outcome.status == 77, "\(outcome)")
        #expect(outcome.errors.split(separator: "\n").count == 1)
        #expect(outcome.errors.ranges(of: "SHA256:").count == 2)
        #expect(outcome.errors.contains("tcd trust rotate ains bob.aint \(Self.second)"))
        #expect(try await tcd("trust", "rotate", "ains", "bob.aint", Self.second).status == 0)
        #expect(try await tcd("resolve", "bob").status == 0)

        outcome = try await tcd("resolve", "bob", "--min-trust", "0.9")
        #expect(outcome.status == 77)
        try write(Self.second, ", \"status\": \"revoked\"", to: folder)
        outcome = try await tcd("resolve", "bob")
        #expect(outcome.status == 77)
        #expect(outcome.errors.contains("'bob' is revoked"))

        // The record serves while the service is down, and says so; also the revocation.
        try write(Self.second, "", to: folder)
        #expect(try await tcd("resolve", "bob").status == 0)
        try await server.stop()
        outcome = try await tcd("resolve", "bob")
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.output.contains("using its record of"))
    }

    @Test("The doctor compares the clock with the name service's", .timeLimit(.minutes(2)))
    func doctor() async throws {
        let folder = try WorkFolder()
        try write(Self.first, "", to: folder)
        let (server, url) = try await serve(folder)
        let outcome = try await BuiltProgram.start(
            ["doctor", "--json"], in: folder.url, environment: ["TIBET_AINS_API_URL": url]
        ).outcome()
        #expect(outcome.status == 0, "\(outcome)")
        let checks = try outcome.objects()
        let clock = try #require(checks.first { $0["subject"] as? String == "clock" })
        #expect(clock["state"] as? String == "ok")
        #expect((clock["detail"] as? String)?.contains(url) == true)
        let ains = try #require(checks.first { $0["subject"] as? String == "ains" })
        #expect(ains["state"] as? String == "ok")
        server.kill()
    }

    private func lead(to port: Int, _ folder: WorkFolder) throws {
        let text = """
            {"status": "found", "domain": "bob.aint", "record": {"agent": "bob", "endpoint": "http://127.0.0.1:\(port)",
             "public_key": "\(Self.first)", "ttl": 0}}
            """
        try folder.write("site/resolve/bob", text.utf8)
    }

    @Test(
        "Routes to other hosts are told, and with --strict-routes they hold the delivery until they are accepted",
        .timeLimit(.minutes(2)))
    func changedHosts() async throws {
        let folder = try WorkFolder()
        try folder.write("note.txt", "hello".utf8)
        try lead(to: 9, folder)
        let (server, url) = try await serve(folder)
        func tcd(_ words: String..., exits status: Int32) async throws -> Program.Outcome {
            let outcome = try await BuiltProgram.start(
                words, in: folder.url, environment: ["TIBET_AINS_API_URL": url]
            ).outcome()
            try #require(outcome.status == status, "\(words): \(outcome)")
            return outcome
        }
        _ = try await tcd("send", "note.txt", "--to", "bob.aint", exits: 75)
        #expect(try await tcd("trust", "list", exits: 0).output.contains("\n  hosts        127.0.0.1:9\n"))

        try lead(to: 10, folder)
        let told = try await tcd("send", "note.txt", "--to", "bob.aint", "--json", exits: 75)
        #expect(
            told.errors.contains("lead to other hosts than those that are pinned: pinned 127.0.0.1:9; now 127.0.0.1:10")
        )
        let change = try #require(try told.objects().first?["host_change"] as? [String: Any])
        #expect(change["pinned"] as? [String] == ["127.0.0.1:9"])
        #expect(change["offered"] as? [String] == ["127.0.0.1:10"])
        #expect(change["accept"] as? String == "tcd resolve bob.aint --accept-routes")

        // Without a resend of the file: the envelope is kept, addressed to the pinned key.
        let stopped = try await tcd("send", "note.txt", "--to", "bob.aint", "--strict-routes", "--json", exits: 77)
        let standing = try #require(try stopped.objects().first)
        #expect(standing["state"] as? String == "held")
        #expect(standing["host_change"] is [String: Any])
        #expect(stopped.errors.contains("tcd resolve bob.aint --accept-routes"), "\(stopped)")
        let id = try #require(standing["id"] as? String)
        _ = try await tcd("outbox", "retry", id, exits: 77)
        #expect(try await tcd("resolve", "bob.aint", "--strict-routes", exits: 77).errors.contains("other hosts"))

        let accepted = try await tcd("resolve", "bob.aint", "--accept-routes", "--json", exits: 0)
        #expect(try accepted.objects().first?["hosts"] as? [String] == ["127.0.0.1:10"])
        let retried = try await tcd("outbox", "retry", id, "--json", exits: 75)
        #expect(try retried.objects().first?["attempts"] as? Int == 1)
        try await server.stop()
    }
}
