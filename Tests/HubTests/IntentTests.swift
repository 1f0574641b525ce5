import Fabric
import Testing

@testable import Hub

@Suite("Intents and budgets")
struct IntentTests {
    @Test("Every recorded intent has the recorded class and backend")
    func table() throws {
        let rows = try #require(RecordedMuxTests.vectors("mux.json")["policy_table"]?.list)
        #expect(rows.count == 20)
        for row in rows {
            let text = try #require(row["intent"]?.text)
            let intent = Intent(text)
            #expect(intent.backend == row["backend"]?.text && intent.description == row["description"]?.text, "\(text)")
            #expect(intent.bandwidth.priority == row["priority"]?.integer.map { Int($0) }, "\(text)")
            #expect(intent.bandwidth.rate == row["max_bytes_per_sec"]?.integer.map { Int($0) }, "\(text)")
            #expect(intent.bandwidth.burst == row["burst_bytes"]?.integer.map { Int($0) }, "\(text)")
            #expect(intent.bandwidth.isPreemptible == row["preemptible"]?.bool, "\(text)")
        }
    }

    @Test("Frames are measured as the reference server measures them")
    func measure() throws {
        for example in try #require(RecordedMuxTests.vectors("mux.json")["json_length_rule_examples"]?.list) {
            let payload = try #require(example["payload"])
            #expect(payload.text(.python).utf8.count == example["json_length"]?.integer.map { Int($0) })
        }
    }

    @Test("A bucket refills with time, and one that may not be refused is emptied")
    func bucket() {
        let start = ContinuousClock.now
        var bucket = BandwidthBucket(Intent("continuityd:inbox").bandwidth, at: start)
        #expect(bucket.take(60_000, at: start, isEnforced: true) == .passes)
        #expect(bucket.take(60_000, at: start, isEnforced: true) == .throttled)
        #expect(bucket.take(60_000, at: start + .milliseconds(150), isEnforced: true) == .passes)
        #expect(bucket.take(100_001, at: start + .seconds(9), isEnforced: true) == .neverPasses)
        #expect(bucket.throttledFrames == 2 && bucket.throttledBytes == 160_001)
        var call = BandwidthBucket(Intent("call:voice").bandwidth, at: start)
        #expect(call.take(1_000_000, at: start, isEnforced: true) == .passes)
        #expect(call.remaining(at: start) == 0)
        #expect(call.remaining(at: start + .milliseconds(125)) == 16_000)
    }

    @Test(
        "Names are normalised as they are kept",
        arguments: [
            (" BOB.aint", "bob"), ("my.aint.bot", "my.aint.bot"), ("a.aint.aint", "a.aint"), ("root_idd", "root_idd"),
            ("storm.example", "storm.example"),
        ])
    func names(text: String, name: String) { #expect(AgentName.parse(text) == name) }

    @Test("What can be no name is none", arguments: ["", " ", ".aint", "a..b", "a b", "a/b", "ü", "a\u{0}", "a:b"])
    func badNames(text: String) { #expect(AgentName.parse(text) == nil) }
}
