import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Fabric

@Suite("Identity directories")
struct IdentityDirectoryTests {
    let scratch: ScratchDirectory
    let directory: IdentityDirectory
    let seed: [UInt8] = Array(0..<32)

    init() throws {
        scratch = try ScratchDirectory()
        directory = IdentityDirectory(scratch.appending("id"))
    }

    private struct Vectors: Decodable {
        let sender: Sender

        enum CodingKeys: String, CodingKey {
            case sender = "sender_identity"
        }
    }

    private struct Sender: Decodable {
        let seedHex: String
        let publicKeyHex: String
        let fingerprintHex: String
        let aint: String
        let json: String

        enum CodingKeys: String, CodingKey {
            case seedHex = "seed_hex"
            case publicKeyHex = "public_key_hex"
            case fingerprintHex = "fingerprint_hex"
            case aint
            case json = "identity_json_text"
        }
    }

    private func mode(_ name: String) throws -> mode_t {
        var info = stat()
        try #require(stat(scratch.appending(name).string, &info) == 0)
        return info.st_mode & 0o7777
    }

    private func setMode(_ name: String, _ mode: mode_t) throws {
        try #require(chmod(scratch.appending(name).string, mode) == 0)
    }

    /// A directory with only a private key, as `tcd` makes it.
    private func makeBare(_ bytes: [UInt8]? = nil) throws {
        try #require(mkdir(directory.path.string, 0o700) == 0)
        try scratch.write(bytes ?? seed, to: "id/identity.priv")
        try setMode("id/identity.priv", 0o600)
    }

    /// What stopped loading, by name.
    private func failure() -> String {
        do {
            _ = try directory.load()
            return "none"
        } catch {
            return String(Mirror(reflecting: error).children.first?.label ?? "\(error)")
        }
    }

    @Test func filesAreThoseOfTheVector() throws {
        let vector = try VectorFile(name: "envelope.json").decode(Vectors.self).sender
        let key = try SigningKey(seed: try #require(Hex.decode(vector.seedHex, count: 32)))
        let identity = try directory.create(name: vector.aint, key: key)
        #expect(identity.publicKey.hex == vector.publicKeyHex)
        #expect(identity.publicKey.fingerprint.hex == vector.fingerprintHex)
        #expect(Hex.encode(try scratch.read("id/identity.priv")) == vector.seedHex)
        #expect(Hex.encode(try scratch.read("id/identity.pub")) == vector.publicKeyHex)
        #expect(String(decoding: try scratch.read("id/identity.json"), as: UTF8.self) == vector.json)
        #expect(try mode("id") == 0o700)
        #expect(try mode("id/identity.priv") == 0o600)
        #expect(try scratch.names() == ["id"])
        let loaded = try directory.load()
        #expect(loaded.name == vector.aint)
        #expect(loaded.publicKey == key.publicKey)
        #expect(loaded.key.sign([1, 2, 3]) == key.sign([1, 2, 3]))
    }

    @Test func namesOutsideASCIIAreEscapedAsPythonDoes() throws {
        let key = try SigningKey(seed: seed).publicKey
        let json = IdentityDescription(name: "\u{e9}\u{65e5}\u{1f600}\"\\/", key: key).json
        #expect(json.hasPrefix("{\n  \"aint\": \"\\u00e9\\u65e5\\ud83d\\ude00\\\"\\\\/\",\n  \"pubkey_hex\": \""))
        #expect(IdentityDescription(json: Array(json.utf8))?.name == "\u{e9}\u{65e5}\u{1f600}\"\\/")
    }

    @Test func anIdentityIsNeverOverwritten() throws {
        let first = try directory.create(name: "alice.aint")
        #expect { try directory.create(name: "mallory.aint") } throws: { error in
            if case IdentityError.alreadyExists = error { true } else { false }
        }
        #expect(try directory.load().publicKey == first.publicKey)
        #expect(try directory.loadOrCreate(name: "mallory.aint").name == "alice.aint")
        #expect(try scratch.names() == ["id"])
    }

    @Test func anEmptyDirectoryGivesWayAndAFullOneDoesNot() throws {
        try #require(mkdir(directory.path.string, 0o755) == 0)
        try directory.create()
        #expect(try mode("id") == 0o700)
        let occupied = IdentityDirectory(scratch.appending("other"))
        try #require(mkdir(occupied.path.string, 0o700) == 0)
        try scratch.write([1], to: "other/file")
        #expect { try occupied.create() } throws: { error in
            if case IdentityError.occupied = error { true } else { false }
        }
        #expect(try scratch.read("other/file") == [1])
        #expect(try scratch.names() == ["id", "other"])
    }

    @Test func manyAtOnceGetOneIdentity() async throws {
        let directory = directory
        let keys = try await withThrowingTaskGroup(of: PublicKey.self) { group in
            for _ in 0..<8 { group.addTask { try directory.loadOrCreate().publicKey } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(keys == [try directory.load().publicKey])
        #expect(try scratch.names() == ["id"])
    }

    @Test func aPrivateKeyAloneIsEnough() throws {
        try makeBare()
        let identity = try directory.load()
        #expect(identity.publicKey == (try SigningKey(seed: seed).publicKey))
        #expect(identity.name == Identity.defaultName)
        #expect(Identity.defaultName.hasPrefix("jis:local:tcd@"))
        #expect(FileManager.default.fileExists(atPath: scratch.appending("id/identity.pub").string) == false)
    }

    @Test func aPrivateKeyOpenToOthersIsRefused() throws {
        try makeBare()
        for mode: mode_t in [0o640, 0o604, 0o620, 0o601, 0o644] {
            try setMode("id/identity.priv", mode)
            #expect(failure() == "exposed")
        }
        try setMode("id/identity.priv", 0o400)
        #expect(failure() == "none")
    }

    @Test func aPrivateKeyOfSomebodyElseIsRefused() throws {
        try makeBare()
        let stranger = IdentityDirectory(directory.path, owner: geteuid() + 1)
        let error = #expect(throws: IdentityError.self) { try stranger.load() }
        guard case .foreign(_, let owner)? = error else {
            Issue.record("it was \(String(describing: error))")
            return
        }
        #expect(owner == geteuid())
    }

    @Test func aPrivateKeyThatIsNoOrdinaryFileIsRefused() throws {
        try #require(mkdir(directory.path.string, 0o700) == 0)
        let path = scratch.appending("id/identity.priv").string
        try scratch.write(seed, to: "elsewhere")
        try #require(symlink("../elsewhere", path) == 0)
        #expect(failure() == "irregular")
        try #require(unlink(path) == 0 && mkfifo(path, 0o600) == 0)
        #expect(failure() == "irregular")
        try #require(unlink(path) == 0 && mkdir(path, 0o700) == 0)
        #expect(failure() == "irregular")
    }

    @Test(arguments: [0, 31, 33, 64])
    func aPrivateKeyOfAnotherSizeIsRefused(count: Int) throws {
        try makeBare([UInt8](repeating: 1, count: count))
        #expect(failure() == "wrongSeedSize")
    }

    @Test func filesOfAnotherIdentityAreRefused() throws {
        let key = try SigningKey(seed: seed)
        let other = try SigningKey(seed: Array(32..<64)).publicKey
        try directory.create(name: "alice.aint", key: key)
        try scratch.write(other.bytes, to: "id/identity.pub")
        #expect(failure() == "keysDiffer")
        try scratch.write(key.publicKey.bytes + [0], to: "id/identity.pub")
        #expect(failure() == "keysDiffer")
        try scratch.write(key.publicKey.bytes, to: "id/identity.pub")
        #expect(failure() == "none")
        try scratch.write(IdentityDescription(name: "a", key: other).json.utf8, to: "id/identity.json")
        #expect(failure() == "badDescription")
    }

    @Test(arguments: [
        ("", "badDescription"), ("[]", "badDescription"), ("{\"aint\": 1}", "badDescription"),
        ("{\"aint\"", "badDescription"),
        ("{\"aint\": \"\"}", "badName"), ("{\"aint\": \"a\\nb\"}", "badName"),
        ("{}", "none"), ("{\"aint\": null, \"more\": [1]}", "none"),
    ])
    func descriptionsThatCannotBeUsed(json: String, expected: String) throws {
        try makeBare()
        try scratch.write(json.utf8, to: "id/identity.json")
        #expect(failure() == expected)
    }

    @Test func aHugeDescriptionIsNotReadWhole() throws {
        try makeBare()
        try scratch.write([], to: "id/identity.json")
        try #require(truncate(scratch.appending("id/identity.json").string, 1 << 40) == 0)
        #expect(failure() == "badDescription")
    }

    @Test func nothingThereIsMissing() throws {
        #expect(failure() == "missing")
        try #require(mkdir(directory.path.string, 0o700) == 0)
        #expect(failure() == "missing")
        #expect(try directory.loadOrCreate(name: "alice.aint").name == "alice.aint")
    }

    @Test(arguments: [("", false), ("a", true), ("a\u{0}", false), ("a\u{9f}", false), ("\u{e9} b", true)])
    func names(text: String, isName: Bool) {
        #expect(Identity.isName(text) == isName)
        #expect(Identity.isName(String(repeating: "x", count: 255)))
        #expect(!Identity.isName(String(repeating: "\u{e9}", count: 128)))
    }

    @Test func errorsAreOneLineWithARemedy() {
        let path: FilePath = "p"
        let errors: [IdentityError] = [
            .missing(path), .alreadyExists(path), .exposed(path, mode: 0o644), .foreign(path, owner: 1),
            .irregular(path),
            .occupied(path), .wrongSeedSize("x", 3), .keysDiffer(path), .badDescription(path, "x"), .badName("a\nb"),
            .noSecureMemory,
        ]
        for error in errors {
            #expect(error.remedy != nil)
            #expect(!error.description.contains("\n"))
        }
    }
}
