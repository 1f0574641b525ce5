import Foundation
import Glibc
import ProgramRunner
import Testing

/// Either side dies in the middle of a large delivery; what was received already is not sent again.
@Suite("Interrupted deliveries", .timeLimit(.minutes(3)))
struct InterruptedDeliveryTests {
    let folder: WorkFolder
    static let size = 24 << 20
    static let budget = 14 << 20

    init() throws {
        folder = try WorkFolder()
        try folder.write("large.bin", noise(Self.size))
    }

    /// The length of the longest file below the inbox: what is held of the envelope.
    private func held() -> Int {
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path("inbox"))) ?? []
        return names.map { name in
            var status = stat()
            return stat(folder.path("inbox/\(name)"), &status) == 0 ? Int(status.st_size) : 0
        }.max() ?? 0
    }

    /// Starts sending through a relay that holds up in the middle, and returns once the receiver holds a part.
    private func sendHalf(to receiver: Receiver) async throws -> (sender: Program, relay: HoldingRelay) {
        let relay = try HoldingRelay(to: receiver.url, holdingAfter: Self.budget)
        let sender = try BuiltProgram.start(["send", "large.bin", "--to", relay.url], in: folder.url)
        try await relay.held()
        #expect(try await Repeated.until(within: .seconds(20)) { held() >= 8 << 20 })
        return (sender, relay)
    }

    /// The one envelope that waits in the outbox.
    private func waiting() throws -> String {
        let names = try folder.queued()
        #expect(names.count == 1)
        return "state/outbox/" + (try #require(names.first))
    }

    private func sendAgain(_ path: String, to receiver: Receiver) async throws {
        let outcome = try await BuiltProgram.run(
            "send", "--sealed", path, "--to", receiver.url, "--json", in: folder.url)
        #expect(outcome.status == 0, "\(outcome)")
        let sent = try #require(try outcome.objects().first)
        #expect(sent["state"] as? String == "stored")
        let resumed = try #require(sent["resumed_from"] as? Int)
        #expect(resumed > 4 << 20 && resumed < Self.size)
    }

    private func expectArrived(_ receiver: Receiver) async throws {
        let arrivals = try await receiver.received()
        #expect(arrivals.count == 1)
        let arrival = try #require(arrivals.first)
        #expect(arrival.isValid)
        #expect(arrival.resumedFrom > 4 << 20)
        #expect(try folder.read("out/large.bin") == Data(noise(Self.size)))
        // No partial file is left: only the envelope, and what the receiver remembers of it.
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path("inbox")).filter { name in
            try FileManager.default.attributesOfItem(atPath: folder.path("inbox/\(name)"))[.type] as? FileAttributeType
                == .typeRegular
        }
        let kept = files.filter { name in
            !name.hasPrefix(".received/") && !name.hasPrefix(".replays/")
                && !(name.hasPrefix(".uploads/") && name.hasSuffix(".done"))
        }
        #expect(kept == [arrival.storedName])
    }

    @Test("The sender is killed, and sends again what waits in its outbox", arguments: [SIGKILL, SIGTERM, SIGINT])
    func killedSender(signal: Int32) async throws {
        let receiver = try await Receiver(in: folder, ["--unpack", folder.path("out"), "--from-anyone"])
        let (sender, relay) = try await sendHalf(to: receiver)
        sender.signal(signal)
        let outcome = try await sender.outcome()
        #expect(outcome.status == (signal == SIGKILL ? 128 + SIGKILL : 130), "\(outcome)")
        relay.close()
        let path = try waiting()
        if signal != SIGKILL {
            #expect(outcome.errors.contains("tcd: interrupted; the envelope is queued as "), "\(outcome)")
        }
        #expect(try await BuiltProgram.run("verify", path, in: folder.url).status == 0)
        try await sendAgain(path, to: receiver)
        try await expectArrived(receiver)
    }

    @Test("The connection breaks, and the message says how to go on")
    func brokenConnection() async throws {
        let receiver = try await Receiver(in: folder, ["--unpack", folder.path("out"), "--from-anyone"])
        let (sender, relay) = try await sendHalf(to: receiver)
        relay.close()
        let outcome = try await sender.outcome()
        #expect(outcome.status == 75, "\(outcome)")
        let path = try waiting()
        #expect(outcome.errors.contains("the envelope stays queued as "), "\(outcome)")
        try await sendAgain(path, to: receiver)
        try await expectArrived(receiver)
    }

    @Test("The receiver is killed, and goes on when it is started again")
    func killedReceiver() async throws {
        let first = try await Receiver(in: folder, ["--unpack", folder.path("out"), "--from-anyone"])
        let (sender, relay) = try await sendHalf(to: first)
        first.program.kill()
        #expect(try await first.program.outcome().status == 128 + SIGKILL)
        relay.close()
        #expect(try await sender.outcome().status == 75)
        let second = try await Receiver(in: folder, ["--unpack", folder.path("out"), "--from-anyone"])
        try await sendAgain(try waiting(), to: second)
        try await expectArrived(second)
    }
}
