import Fabric
import Foundation
import HubClient
import SystemPackage
import Testing

@testable import CarrierMux

@Suite("Frames that carry envelopes")
struct FrameTests {
    /// The name with which the vector of the largest envelope was made (`vectors/mux.json`).
    static let name = ArrivalName("2026-05-14.tcd-send.claude.normal.tza")!

    @Test("The largest envelope of the usual intent has 74,934 bytes, and one byte more is above the burst")
    func largest() {
        #expect(IntentPolicy(of: "continuityd:inbox").largestFrame == 100_000)
        #expect(EnvelopePayload.length(name: Self.name, size: 74_934) == 100_000)
        #expect(EnvelopePayload.length(name: Self.name, size: 74_935) == 100_004)
        #expect(EnvelopePayload.largestEnvelope(name: Self.name, within: 100_000) == 74_934)
        #expect(EnvelopePayload.largestEnvelope(name: Self.name, within: 83) == 0)
    }

    @Test(
        "What is the largest is exact, whatever the limit", arguments: [90, 100, 120, 1000, 13_450, 133_500, 500_000])
    func largestIsExact(limit: Int64) {
        let size = EnvelopePayload.largestEnvelope(name: Self.name, within: limit)
        #expect(size == 0 || EnvelopePayload.length(name: Self.name, size: size) <= limit)
        #expect(EnvelopePayload.length(name: Self.name, size: size + 1) > limit)
    }

    @Test("The length is that of the payload as Python writes it", arguments: [1, 2, 3, 1000, 74_934])
    func length(size: Int) throws {
        let payload: JSONValue = [
            "bundle_b64": .text(Data(count: size).base64EncodedString()), "name": .text(Self.name.text),
            "size_bytes": .integer(size),
        ]
        #expect(
            Int64(payload.text(.python).utf8.count) == EnvelopePayload.length(name: Self.name, size: Int64(size)))
    }

    @Test(
        "Policies of intents",
        arguments: [
            ("call:voice:opus", nil), ("chat", nil), ("call:video", nil), ("stream", nil), ("vpn:tunnel:x", nil),
            ("call", 100_000), ("", 100_000), ("file:sync", 500_000), ("mail:x:y", 200_000), ("task", 50_000),
            ("streams", 100_000),
        ] as [(String, Int64?)])
    func policies(intent: String, limit: Int64?) { #expect(IntentPolicy(of: intent).largestFrame == limit) }

    @Test("The body of a request is the same wherever it is read", arguments: [1, 2, 3, 4, 100, 200_000])
    func body(size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let frame = EncodedFrame(
            channel: "ch-\"0", name: Self.name, size: Int64(size), source: Bytes(bytes: bytes))
        let whole = try Self.read(frame, from: 0, step: 1 << 20)
        #expect(Int64(whole.count) == frame.count)
        let json = try JSONValue(parsing: whole)
        #expect(json["channel_id"]?.text == "ch-\"0")
        #expect(json["payload"]?["bundle_b64"]?.text == Data(bytes).base64EncodedString())
        #expect(json["payload"]?["size_bytes"]?.integer == Int64(size))
        for (offset, step) in [(0, 7), (1, 5), (60, 3), (whole.count - 1, 9), (whole.count, 4)] where offset >= 0 {
            guard size <= 100 else { break }
            #expect(try Self.read(frame, from: Int64(offset), step: step) == Array(whole[offset...]))
        }
        #expect(try Self.read(frame, from: 63, step: 65_536) == Array(whole[63...]))
    }

    private static func read(_ source: some EnvelopeSource, from offset: Int64, step: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: step, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let count = try source.read(into: buffer, at: offset + Int64(bytes.count))
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    private struct Bytes: EnvelopeSource {
        let bytes: [UInt8]

        func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
            guard offset < Int64(bytes.count) else { return 0 }
            let rest = bytes[Int(offset)...].prefix(buffer.count)
            buffer.copyBytes(from: rest)
            return rest.count
        }
    }

    @Test("An envelope is read from a peer's payload")
    func envelope() throws {
        let payload = try JSONValue(parsing: #"{"bundle_b64":"AQID","name":"a.tza","size_bytes":3}"#)
        guard case .envelope(let frame) = MuxFrame.read(payload, trustsSize: false),
            case .inline(let bytes) = frame.content
        else {
            Issue.record("it is none")
            return
        }
        #expect(bytes == [1, 2, 3] && frame.size == 3 && frame.digest == Digest(of: [1, 2, 3]))
    }

    @Test(
        "What cannot be stored is told apart",
        arguments: [
            #"{"name":"a.tza","size_bytes":3}"#, #"{"bundle_b64":"AQID","size_bytes":3}"#,
            #"{"bundle_b64":"AQID","name":"../a.tza","size_bytes":3}"#,
            #"{"bundle_b64":"AQID","name":"a.tza","size_bytes":4}"#,
            #"{"bundle_b64":"AQID","name":"a.tza","size_bytes":-1}"#,
            #"{"bundle_b64":"AQID","name":"a.tza","size_bytes":"3"}"#,
            #"{"bundle_b64":"AQI","name":"a.tza","size_bytes":2}"#,
            #"{"bundle_b64":"AQ I=","name":"a.tza","size_bytes":2}"#,
            #"{"bundle_b64":"AQJ=","name":"a.tza","size_bytes":2}"#,
            #"{"bundle_b64":"A-_=","name":"a.tza","size_bytes":2}"#,
            #"{"bundle_b64":7,"name":"a.tza","size_bytes":2}"#,
            #"{"bundle_b64":"AQID","name":"a.tza","size_bytes":3,"digest":"sha256:00"}"#,
            #"{"blob_id":"../x","name":"a.tza","size_bytes":3,"digest":"sha256:00"}"#,
        ])
    func unusable(payload: String) throws {
        guard case .unusable = MuxFrame.read(try JSONValue(parsing: payload), trustsSize: false) else {
            Issue.record("it was taken: \(payload)")
            return
        }
    }

    @Test("What is no envelope is nobody's error", arguments: ["null", "7", "\"x\"", "[1]", "{}", #"{"a":1}"#])
    func foreign(payload: String) throws {
        guard case .foreign = MuxFrame.read(try JSONValue(parsing: payload), trustsSize: false) else {
            Issue.record("it was taken for something: \(payload)")
            return
        }
    }

    @Test("How long to wait for the bucket")
    func waiting() {
        #expect(PeerDelivery.waitingTime(100_000, tokens: 0, rate: 200_000) == .seconds(1))
        #expect(PeerDelivery.waitingTime(500_000, tokens: 50_000, rate: 200_000) == .seconds(3))
        #expect(PeerDelivery.waitingTime(1, tokens: nil, rate: 0) == .seconds(1))
        for tokens in [1e300, -1e300, .infinity, -.infinity, .nan, .greatestFiniteMagnitude] as [Double] {
            #expect(PeerDelivery.waitingTime(.max, tokens: tokens, rate: 1) <= .seconds(60))
        }
    }
}
