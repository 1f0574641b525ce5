import Fabric
import Testing
import Triage

/// Tokens as the reference package makes them.
@Suite("Fork tokens of the peers")
struct ForkVectorTests {
    static let tokens = Vectors.cases("forks")

    @Test("There are vectors of every kind")
    func vectorsAreThere() throws {
        #expect(Self.tokens.count >= 5)
        let types = Set(try Self.tokens.map { try $0.object("fork").text("fork_type") })
        #expect(types.isSuperset(of: ["script", "ai_to_ai", "fragment"]))
    }

    @Test("What is hashed, and the hash, are the peers'", arguments: tokens.indices)
    func hashes(index: Int) throws {
        let vector = Self.tokens[index]
        let token = try ForkToken(fields: vector.object("fork"))
        #expect(token.hashInput == (try vector.text("hash_input_json")))
        #expect(token.hash == (try vector.text("fork_hash")))
        #expect(token.statedHash == token.hash)
    }

    @Test("A file that is read is written again byte for byte", arguments: tokens.indices)
    func files(index: Int) throws {
        let text = try Self.tokens[index].text("fork_json_file_text")
        let token = try ForkToken(parsing: Array(text.utf8))
        #expect(token.fileText == text)
        // From the bare object, too: what peers write around it is always the same.
        let bare = JSONValue.object(token.fields).text(.compact)
        #expect(try ForkToken(parsing: Array(bare.utf8)).fileText == text)
    }

    static let tampered = Vectors.forks["fork_tamper"]?["cases"]?.list?.compactMap(\.object) ?? []

    @Test("What the peers' hash covers, and what it does not", arguments: tampered.indices)
    func tampering(index: Int) throws {
        let vector = Self.tampered[index]
        let field = try vector.text("field")
        let plain = try #require(Self.tokens.first { $0["id"]?.text == "plain" }).object("fork")
        let honest = try ForkToken(fields: plain).hashed()
        var fields = honest.fields
        if field == "metadata" {
            // The digest over everything lies in there; a sender of ours would have kept it.
            fields["metadata"] = .object(["full_hash": .text(honest.fullHash), "x": 1])
        } else {
            fields[field] = vector["changed_to"]
        }
        let token = try ForkToken(fields: fields)
        #expect(token.hash == (try vector.text("fork_hash")))
        let isSeen = try #require(vector["hash_changed"]?.bool as Bool?)
        let examination = ForkExamination(token, agent: nil, machine: .bare)
        #expect(examination.outcome(of: .hash) == (isSeen ? .fail : .pass))
        // Ours sees every change.
        #expect(examination.outcome(of: .fullHash) == .fail)
        #expect(examination.showsTampering)
        #expect(ForkExamination(honest, agent: nil, machine: .bare).outcome(of: .fullHash) == .pass)
    }

    @Test("There are cases of tampering")
    func tamperingIsThere() { #expect(Self.tampered.count >= 13) }

    @Test("The digest over everything does not depend on the order of keys, nor on who wrote the JSON")
    func fullHash() throws {
        let nested = try #require(Self.tokens.first { $0["id"]?.text == "nested-capability" }).object("fork")
        let token = try ForkToken(fields: nested).hashed()
        let again = try ForkToken(parsing: Array(JSONValue.object(token.fields).text(.sortedPython).utf8))
        #expect(again.fullHash == token.fullHash)
        #expect(again.statedFullHash == token.fullHash)
        #expect(try ForkToken(fields: again.fields).hash == token.hash)
        // Keys that only others know are covered as well.
        var fields = token.fields
        fields["pod"] = "7"
        #expect(try ForkToken(fields: fields).fullHash != token.fullHash)
    }
}

extension Machine {
    /// A machine that has nothing.
    static let bare = Machine(host: "here", packages: [:], python: "python", gpuDevices: [])
}
