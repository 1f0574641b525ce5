import Fabric
import Foundation
import Testing

@testable import CarrierHTTP

/// TIBET-SIG-V1 against what the peer's signer wrote and its verifier decided.
@Suite struct AuthorizationTests {
    struct Vectors: Decodable {
        struct Example: Decodable {
            var id, timestamp, body_sha256, signed_bytes_hex, public_key_hex, signature_hex: String
            var authorization, authorization_old_colon_form: String
        }
        struct Check: Decodable {
            struct Verdict: Decodable {
                var accepted: Bool
                var in_allowlist: Bool?
            }
            var id, header, body_base64: String
            var receiver_clock_offset_sec: Double
            var env: [String: String]
            var peer: Verdict
        }
        struct Captured: Decodable {
            var headers: [String]
            var body_file: String
        }
        var seed_hex, clock: String
        var examples: [Example]
        var checks: [Check]
        var captured: [Captured]
    }

    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("FabricTests/Vectors")

    static let vectors = try! JSONDecoder().decode(
        Vectors.self, from: Data(contentsOf: folder.appendingPathComponent("http-auth.json")))

    @Test func signsAsThePeerDoes() throws {
        let vectors = Self.vectors
        let signer = try SigningKey(seed: Hex.decode(vectors.seed_hex, count: 32)!)
        #expect(vectors.examples.count == 4)
        for example in vectors.examples {
            let digest = Digest(hex: example.body_sha256)!
            let date = Timestamp(iso8601: example.timestamp)!
            let authorization = Authorization(signing: digest, with: signer, at: date)
            #expect(authorization.headerValue == example.authorization, "\(example.id)")
            #expect(Authorization(parsing: example.authorization) == authorization)
            #expect(Authorization(parsing: example.authorization_old_colon_form) == authorization)
            #expect(authorization.verifies(digest))
        }
    }

    /// Where this is stricter than the peer, on purpose: the 20-byte timestamp is the only one (`http-inbox.md`,
    /// section 3), and white space inside the value is not skipped.
    static let stricter: Set<String> = [
        "two-spaces", "trailing-space", "timestamp-no-zero-padding", "timestamp-lowercase",
    ]

    @Test(arguments: vectors.checks.map(\.id)) func decidesAsThePeerDoes(_ id: String) throws {
        let check = Self.vectors.checks.first { $0.id == id }!
        let policy = try AuthorizationPolicy(environment: check.env)
        let nanoseconds = Int64(check.receiver_clock_offset_sec * 1e9)
        let clock = Timestamp(iso8601: Self.vectors.clock)!
        let total = clock.seconds * 1_000_000_000 + nanoseconds
        let now = Timestamp(seconds: total / 1_000_000_000, nanoseconds: Int32(total % 1_000_000_000))
        let digest = Digest(of: Data(base64Encoded: check.body_base64)!)

        let parsed = Authorization(parsing: check.header)
        let accepted = parsed.map { $0.isWithin(policy.window, of: now) && $0.verifies(digest) } ?? false
        #expect(accepted == (check.peer.accepted && !Self.stricter.contains(id)))
        if let parsed, accepted, let listed = check.peer.in_allowlist {
            #expect((policy.trustedKeys.isEmpty || policy.trustedKeys.contains(parsed.key)) == listed)
        }
    }

    @Test func acceptsWhatWasCaptured() throws {
        #expect(Self.vectors.captured.count == 4)
        for request in Self.vectors.captured {
            let value = request.headers.first { $0.hasPrefix("Authorization: ") }!.dropFirst(15)
            let body = try Data(contentsOf: Self.folder.appendingPathComponent(request.body_file))
            let authorization = try #require(Authorization(parsing: String(value)))
            #expect(authorization.verifies(Digest(of: body)))
        }
    }

    @Test(arguments: ["", "TIBET-SIG-V1", "TIBET-SIG-V1 ", "TIBET-SIG-V1 ::", "TIBET-SIG-V1 :", "TIBET-SIG-V1 |||"])
    func refusesFragments(_ text: String) {
        #expect(Authorization(parsing: text) == nil)
    }
}

@Suite struct AuthorizationPolicyTests {
    @Test func readsThePeersVariables() throws {
        let one = key(1).publicKey
        let policy = try AuthorizationPolicy(environment: [
            "TIBET_HTTP_REQUIRE_AUTH": "yes", "TIBET_HTTP_TRUSTED_PUBKEYS": " \(one.hex.uppercased()) , 00 ,",
            "TIBET_HTTP_MAX_SIG_AGE_SEC": "10",
        ])
        #expect(policy.requiresSignature)
        #expect(policy.trustedKeys == [one])
        #expect(policy.window == .seconds(10))
    }

    @Test(arguments: ["0", "", "True", "YES", "on", "1 "]) func onlyThreeSpellingsMeanYes(_ text: String) throws {
        #expect(try !AuthorizationPolicy(environment: ["TIBET_HTTP_REQUIRE_AUTH": text]).requiresSignature)
        #expect(try !AuthorizationPolicy(environment: ["TIBET_HTTP_REQUIRE_AINS_PIN": text]).requiresPin)
    }

    @Test func aListImpliesASignature() throws {
        let policy = try AuthorizationPolicy(environment: ["TIBET_HTTP_TRUSTED_PUBKEYS": key(1).publicKey.hex])
        #expect(policy.requiresSignature)
    }

    @Test(arguments: ["abc", "", "1.5"]) func aWindowThatIsNoNumberIsTheDefault(_ text: String) throws {
        #expect(
            try AuthorizationPolicy(environment: ["TIBET_HTTP_MAX_SIG_AGE_SEC": text]).window == .seconds(300))
    }

    @Test func aPinImpliesASignature() throws {
        let policy = try AuthorizationPolicy(environment: ["TIBET_HTTP_REQUIRE_AINS_PIN": "1"])
        #expect(policy.requiresPin && policy.requiresSignature)
    }

    @Test func whatCannotBeKeptIsRefusedAtTheStart() async throws {
        let error = #expect(throws: HTTPListenerError.self) {
            try AuthorizationPolicy(environment: ["TIBET_HTTP_TRUSTED_PUBKEYS": "nonsense"])
        }
        #expect(error?.category == .configuration)
        var pinned = AuthorizationPolicy()
        pinned.requiresPin = true
        let unstarted = await #expect(throws: HTTPListenerError.self) {
            try await TestInbox.with(policy: pinned) { _ in }
        }
        #expect(unstarted?.category == .configuration)
    }
}
