import Fabric
import Foundation
import SystemPackage
import Testing

@testable import Resolver

@Suite("Answers of a name service")
struct AINSAnswerTests {
    static let key = Hex.encode([UInt8](repeating: 7, count: 32))

    private func found(_ json: String) throws -> (record: AINSRecord, lifetime: Int64?) {
        let answer = AINSAnswer(parsing: Array(json.utf8), name: "bob")
        guard case .found(let record, let lifetime) = answer else {
            throw Unexpected(answer: "\(answer)")
        }
        return (record, lifetime)
    }

    struct Unexpected: Error {
        let answer: String
    }

    @Test("The answer that satisfies all clients (ains.md, section 3)")
    func nested() throws {
        let (record, lifetime) = try found(
            """
            {"status": "found", "domain": "bob.aint",
             "record": {"agent": "bob", "owner": "o", "endpoint": "http://host:8443", "i_poll": "http://host/api/ipoll",
                        "capabilities": ["push"], "trust_score": 0.8, "status": "active",
                        "registered_at": "2026-01-01T00:00:00Z", "public_key": "\(Self.key)", "ttl": 60},
             "services": {"ipoll": "http://host/api/ipoll/push"},
             "endpoint": "http://host:8443", "public_key": "ed25519:\(Self.key)", "capabilities": ["push"]}
            """)
        #expect(record.domain == "bob.aint")
        #expect(record.agent == "bob")
        #expect(record.key?.hex == Self.key)
        #expect(record.trust == 0.8)
        #expect(record.capabilities == ["push"])
        #expect(record.standing == .usable)
        #expect(record.oddities.isEmpty)
        #expect(lifetime == 60)
        #expect(
            record.routes == [
                Route(scheme: "http", address: "http://host:8443"),
                Route(scheme: "ipoll", address: "http://host#bob"),
            ])
    }

    @Test("Routes of our own hub come first, in both forms")
    func routes() throws {
        let (record, _) = try found(
            """
            {"status": "found", "record": {"endpoint": "http://e", "routes": [
              {"transport": "scp", "address": "tibet@h:/in"}, "https://h:1", {"transport": "mux", "address": "http://m#bob"},
              "http://e", 7, {"transport": "-x", "address": "y"}, "-oProxyCommand=x:y", "http://h/\\u001b[2J"]}}
            """)
        #expect(
            record.routes.map(\.address) == ["tibet@h:/in", "https://h:1", "http://m#bob", "http://e"])
        #expect(record.oddities.count == 4)
        #expect(record.oddities.allSatisfy { !$0.unicodeScalars.contains { $0.value < 0x20 } })
    }

    @Test("A flat answer without a status, as documented")
    func flat() throws {
        let (record, _) = try found(
            "{\"domain\":\"bob.aint\",\"endpoint\":\"http://e\",\"public_key\":\"\(Self.key)\",\"status\":\"Suspended\"}"
        )
        #expect(record.key?.hex == Self.key)
        #expect(record.standing == .suspended)
        #expect(record.trust == nil)
        #expect(try found("{\"record\":{},\"status\":\"found\"}").record.routes.isEmpty)
        #expect(try found("{\"status\":\"revoked\"}").record.standing == .revoked)
        #expect(try found("{\"record\":null,\"status\":\"found\",\"agent\":\"bob\"}").record.agent == "bob")
    }

    @Test("Every recorded answer that a peer takes is taken, and none that it does not")
    func vectors() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("FabricTests/Vectors/hub-clients.json")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        let cases = try #require(object["cases"] as? [[String: Any]])
        var (taken, absent) = (0, 0)
        for row in cases where (row["call"] as? String)?.hasPrefix("AINS.resolve") == true {
            let given = try #require(row["response_given"] as? [String: Any])
            let body = try JSONSerialization.data(withJSONObject: given["body"] ?? [:])
            let answer = AINSAnswer(parsing: Array(body), name: "bob")
            if let result = row["result"] as? [String: Any] {
                guard case .found(let record, _) = answer else {
                    // An empty object gives the peer a record of defaults, with nothing in it to deliver to.
                    #expect(row["note"] as? String == "empty object resolves to defaults")
                    continue
                }
                #expect(record.capabilities == result["capabilities"] as? [String])
                #expect(record.status == result["status"] as? String)
                #expect(record.routes.first?.address == result["endpoint"] as? String)
                taken += 1
            } else if case .notFound = answer {
                absent += 1
            } else if case .unusable = answer {
                #expect(row["exception"] != nil)
            }
        }
        #expect(taken >= 3)
        #expect(absent >= 2)
    }

    @Test("Wrong types and odd values are left out, and the rest is used")
    func odd() throws {
        let (record, lifetime) = try found(
            """
            {"status":"found","domain":["x"],"record":{"agent":7,"endpoint":{"a":1},"i_poll":null,"capabilities":"push",
             "trust_score":"0.9","status":5,"public_key":"ed25519:AAAA","ttl":-5,"routes":{"a":1}}}
            """)
        #expect(
            record
                == AINSRecord(
                    domain: nil, agent: nil, status: "active", key: nil, trust: nil, capabilities: [], routes: [],
                    oddities: ["the record's public_key is no Ed25519 key", "the record's trust_score is no number"]))
        #expect(lifetime == nil)
        #expect(try found("{\"agent\":\"b\",\"trust_score\":7}").record.trust == nil)
        #expect(try found("{\"agent\":\"b\",\"trust_score\":1e999}").record.trust == nil)
    }

    @Test("Text that would upset a terminal never comes through")
    func hostileText() throws {
        let (record, _) = try found(
            """
            {"agent":"b\\u001b]0;x","domain":"a\\nb","status":"odd\\u001b[2J\\u202e","capabilities":["a\\r\\nb"],
             "endpoint":"http://h/\\u001b[2J","public_key":"\\u0000"}
            """)
        let shown = [record.status] + record.capabilities + record.oddities + record.routes.map(\.address)
        #expect(record.agent == nil)
        #expect(record.domain == nil)
        #expect(record.routes.isEmpty)
        for text in shown {
            #expect(!text.unicodeScalars.contains { [.control, .format].contains($0.properties.generalCategory) })
        }
    }

    @Test(
        "What is no answer is none",
        arguments: [
            "", "null", "[]", "7", "\"found\"", "{", "{}", "<html>", "{\"status\":\"found\"}", "{\"error\":\"no\"}",
            "{\"status\":\"found\",\"record\":null}", "{\"error\":{}}", String(repeating: "[", count: 100_000),
            String(repeating: "{\"record\":", count: 20_000),
            "{\"public_key\":\"\(String(repeating: "01", count: 32))\",\"record\":{\"public_key\":\"\(String(repeating: "02", count: 32))\"}}",
        ])
    func unusable(text: String) {
        guard case .unusable(let why) = AINSAnswer(parsing: Array(text.utf8), name: "bob") else {
            Issue.record("taken for an answer: \(text.prefix(80))")
            return
        }
        #expect(!why.isEmpty)
    }

    @Test("A record without end is cut")
    func many() throws {
        let list = (0..<5000).map { "\"http://h\($0)\"" }.joined(separator: ",")
        let record = try found("{\"routes\":[\(list)],\"capabilities\":[\(list)]}").record
        #expect(record.routes.count == 32)
        #expect(record.capabilities.count == 32)
    }

    @Test("What may be kept, and for how long")
    func cacheRules() {
        #expect(CacheRules(parsing: "public, max-age=60").maxAge == 60)
        #expect(CacheRules(parsing: "max-age=60, no-cache").maxAge == 0)
        #expect(CacheRules(parsing: "no-cache").maxAge == 0)
        #expect(!CacheRules(parsing: "No-Store").mayBeKept)
        #expect(CacheRules(parsing: "max-age=99999999999999999999, max-age=-1, x").maxAge == nil)
        #expect(CacheRules(parsing: "").mayBeKept)
    }
}

@Suite("The cache")
struct AINSCacheTests {
    let scratch: Scratch
    let cache: AINSCache
    let base = "http://h/api"
    let record = AINSRecord(
        domain: "bob.aint", agent: "bob", status: "active", key: PublicKey(hex: AINSAnswerTests.key), trust: 0.75,
        capabilities: ["push"], routes: [Route(scheme: "http", address: "http://e")], oddities: ["odd"])
    let start = Timestamp(seconds: 1_700_000_000)

    init() throws {
        scratch = try Scratch()
        cache = AINSCache(directory: scratch.path.appending("ains-cache"))
    }

    private func entry(after seconds: Int64) -> AINSCache.Entry? {
        cache.entry("bob", at: base, now: Timestamp(seconds: start.seconds + seconds))
    }

    @Test("A record is fresh for as long as it says, and serves for a week in need")
    func ages() {
        cache.keep(record, lifetime: 60, for: "bob", at: base, now: start)
        #expect(entry(after: 0) == AINSCache.Entry(record: record, age: 0, isFresh: true))
        #expect(entry(after: 59)?.isFresh == true)
        #expect(entry(after: 60) == AINSCache.Entry(record: record, age: 60, isFresh: false))
        #expect(entry(after: 7 * 86400)?.record == record)
        #expect(entry(after: 7 * 86400 + 1) == nil)
    }

    @Test("Without a word it is fresh for five minutes, and never for more than a day; an absence for half a minute")
    func lifetimes() {
        cache.keep(record, lifetime: nil, for: "bob", at: base, now: start)
        #expect(entry(after: 299)?.isFresh == true)
        #expect(entry(after: 300)?.isFresh == false)
        cache.keep(record, lifetime: 1_000_000, for: "bob", at: base, now: start)
        #expect(entry(after: 86399)?.isFresh == true)
        #expect(entry(after: 86400)?.isFresh == false)
        cache.keep(nil, lifetime: 5000, for: "bob", at: base, now: start)
        #expect(entry(after: 29) == AINSCache.Entry(record: nil, age: 29, isFresh: true))
        #expect(entry(after: 30)?.isFresh == false)
    }

    @Test("A clock that was set back makes nothing fresh")
    func clockSetBack() {
        cache.keep(record, lifetime: 60, for: "bob", at: base, now: start)
        #expect(entry(after: -100) == AINSCache.Entry(record: record, age: 0, isFresh: false))
        #expect(entry(after: -8 * 86400) == nil)
    }

    @Test("Names and services are kept apart, and damage counts for nothing")
    func separation() throws {
        cache.keep(record, lifetime: nil, for: "bob", at: base, now: start)
        #expect(cache.entry("alice", at: base, now: start) == nil)
        #expect(cache.entry("bob", at: "http://other", now: start) == nil)
        let name = try #require(scratch.names("ains-cache").first)
        for text in ["", "{", "{\"version\":1}"] {
            _ = try scratch.write(text, to: "ains-cache/\(name)")
            #expect(entry(after: 0) == nil)
        }
        cache.keep(record, lifetime: nil, for: "bob", at: base, now: start)
        cache.forget("bob", at: base)
        #expect(entry(after: 0) == nil)
    }

    @Test("There are never many more than there may be")
    func bounded() {
        for number in 0..<(AINSCache.mostEntries + 40) {
            cache.keep(nil, lifetime: nil, for: "n\(number)", at: base, now: start)
        }
        #expect(scratch.names("ains-cache").count <= AINSCache.mostEntries)
    }
}
