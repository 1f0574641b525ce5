import Foundation
import Glibc
import ProgramRunner

/// Many sends that share one outbox, killed at random moments, over HTTP, over a bad network, and into a directory; then
/// a drain, and a count of what there is.
final class CrashHarness: Sendable {
    /// What came of all runs.
    struct Figures: Sendable, CustomStringConvertible {
        var runs = 0
        var killed = 0
        var refused = 0
        var ordered = 0
        var receiversKilled = 0
        var faults: [String: Int] = [:]
        /// What should not be, one line each.
        var problems: [String] = []

        var description: String {
            let faults = faults.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            return "\(runs) sends, \(killed) killed, \(refused) that failed, \(ordered) in the index, "
                + "\(receiversKilled) receivers killed; on the network: \(faults.isEmpty ? "nothing" : faults)"
        }
    }

    /// A harness that does not even work undisturbed.
    private struct Useless: Error, CustomStringConvertible {
        let description: String
    }

    /// One send.
    private struct Run: Sendable {
        enum Way: CaseIterable { case http, relay, local }
        var number: Int
        var way: Way
        var size: Int
        /// When it is killed; nil for never.
        var death: Duration?
    }

    let folder: WorkFolder
    private let seed: UInt64
    private let port: Int

    init(seed: UInt64) throws {
        folder = try WorkFolder()
        self.seed = seed
        port = try FreePort.find()
        try folder.folder("drop")
        try folder.folder("in")
    }

    /// Does `count` sends, four at a time, and says what there is in the end.
    func run(_ count: Int) async throws -> Figures {
        var random = SeededGenerator(seed: seed)
        var figures = Figures()
        _ = try await BuiltProgram.run("identity", "init", in: folder.url)
        var receiver = try await listen()
        let relay = try FaultyRelay(to: "http://127.0.0.1:\(port)", seed: seed)
        let usual = try await usualTime(relay)
        var arrivals: [Program.Outcome] = []
        var number = 0
        while number < count {
            let batch = (number..<min(count, number + 4)).map { number in
                Run(
                    number: number, way: Run.Way.allCases[number % 3],
                    size: number % 10 == 9 ? 3 << 20 : Int.random(in: 1...60_000, using: &random),
                    death: number % 8 == 7 ? nil : usual * Double.random(in: 0...2.5, using: &random))
            }
            number += batch.count
            for outcome in try await send(batch, relay) {
                figures.runs += 1
                if outcome.status == 128 + SIGKILL { figures.killed += 1 }
                if outcome.status != 0, outcome.status != 128 + SIGKILL { figures.refused += 1 }
            }
            if number % 40 == 0 {
                receiver.program.kill()
                arrivals.append(try await receiver.program.outcome())
                figures.receiversKilled += 1
                receiver = try await listen()
            }
            if number % 20 == 0 { try await drain(killedAfter: usual * Double.random(in: 0...1, using: &random)) }
        }
        relay.heal()
        try await settle()
        receiver.program.signal(SIGINT)
        arrivals.append(try await receiver.program.outcome())
        relay.close()
        figures.faults = relay.faults
        try await compare(&figures, arrivals)
        return figures
    }

    private func listen() async throws -> Receiver {
        try await Receiver(
            in: folder,
            [
                "--port", "\(port)", "--wait", "0", "--count", "1000000", "--unpack", folder.path("out"),
                "--idle-timeout", "2", "--header-timeout", "2",
            ])
    }

    /// How long a send takes that nobody disturbs.
    private func usualTime(_ relay: FaultyRelay) async throws -> Duration {
        let start = ContinuousClock.now
        let run = Run(number: -1, way: .http, size: 60_000, death: nil)
        let outcomes = try await send([run], relay)
        guard outcomes.map(\.status) == [0] else { throw Useless(description: "\(outcomes)") }
        return .now - start
    }

    private func send(_ runs: [Run], _ relay: FaultyRelay) async throws -> [Program.Outcome] {
        try await withThrowingTaskGroup(of: Program.Outcome.self) { group in
            for run in runs {
                try folder.write("in/run\(run.number).bin", noise(run.size, seed: UInt64(run.number + 2)))
                let target =
                    switch run.way {
                    case .http: "http://127.0.0.1:\(port)"
                    case .relay: relay.url
                    case .local: folder.path("drop")
                    }
                let program = try BuiltProgram.start(
                    [
                        "send", folder.path("in/run\(run.number).bin"), "--to", target, "--stall-timeout", "1",
                        "--json",
                        "--surface-context", "run\(run.number)",
                    ], in: folder.url)
                group.addTask {
                    let killer = Task {
                        guard let death = run.death else { return }
                        try await Task.sleep(for: death)
                        program.kill()
                    }
                    defer { killer.cancel() }
                    return try await program.outcome()
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private func drain(killedAfter death: Duration) async throws {
        let program = try BuiltProgram.start(["outbox", "drain", "--stall-timeout", "1"], in: folder.url)
        try await Task.sleep(for: death)
        program.kill()
        _ = try await program.outcome()
    }

    // MARK: - In the end

    /// Drains, and has tried again at once what rests, or waits for somebody who looks.
    private func settle() async throws {
        for _ in 0..<20 {
            _ = try await BuiltProgram.run(
                "outbox", "drain", "--jobs", "2", "--stall-timeout", "5", in: folder.url, within: .seconds(300))
            let open = try await entries(all: false)
            if open.isEmpty { return }
            for entry in open {
                guard let id = entry["id"] as? String else { continue }
                if entry["state"] as? String == "quarantined" {
                    _ = try await BuiltProgram.run("outbox", "replay", id, in: folder.url)
                }
                _ = try await BuiltProgram.run("outbox", "retry", id, "--stall-timeout", "5", in: folder.url)
            }
        }
    }

    private func entries(all: Bool) async throws -> [[String: Any]] {
        let arguments = ["outbox", "list", "--json", "--limit", "1000000"] + (all ? ["--all"] : [])
        return try await BuiltProgram.start(arguments, in: folder.url).outcome().objects()
    }

    /// Compares what was ordered with what there is.
    private func compare(_ figures: inout Figures, _ arrivals: [Program.Outcome]) async throws {
        let entries = try await entries(all: true)
        figures.ordered = entries.count
        let unpacked = try arrivals.flatMap { try Self.objects($0) }.filter {
            $0["event"] as? String == "received" && !(($0["unpacked"] as? [String]) ?? []).isEmpty
        }.compactMap { $0["tpid"] as? String }
        let timesUnpacked = Dictionary(unpacked.map { ($0, 1) }, uniquingKeysWith: +)
        let dropped = try folder.names("drop").filter { $0.hasSuffix(".tza") }
        var digests: [String: Int] = [:]
        for name in dropped { digests[try await digest("drop/\(name)"), default: 0] += 1 }
        for entry in entries {
            let context =
                (entry["name"] as? String ?? "").split(separator: ".").dropFirst().first.map(String.init) ?? ""
            let id = "\(entry["id"] ?? "?") (\(context))"
            if entry["state"] as? String != "delivered" { figures.problems.append("\(id) is \(entry["state"] ?? "?")") }
            if (entry["target"] as? String)?.hasPrefix("http") == true {
                check(context, id, times: timesUnpacked[entry["tpid"] as? String ?? ""] ?? 0, &figures)
            } else if digests[entry["digest"] as? String ?? ""] != 1 {
                figures.problems.append(
                    "\(id) lies \(digests[entry["digest"] as? String ?? ""] ?? 0) times in the drop")
            }
        }
        let local = entries.filter { ($0["target"] as? String)?.hasPrefix("http") == false }
        if dropped.count != local.count { figures.problems.append("\(dropped.count) in the drop, not \(local.count)") }
        let left = try folder.names("state/outbox").filter { $0.hasSuffix(".tza") || $0.hasSuffix(".part") }
        if !left.isEmpty { figures.problems.append("left in the outbox: \(left)") }
    }

    private func check(_ context: String, _ id: String, times: Int, _ figures: inout Figures) {
        // A receiver that was killed may have unpacked it without having said so.
        if times > 1 { figures.problems.append("\(id) was unpacked \(times) times") }
        guard folder.holds("out/\(context).bin") else {
            figures.problems.append("\(id) was not unpacked")
            return
        }
        if (try? folder.read("out/\(context).bin")) != (try? folder.read("in/\(context).bin")) {
            figures.problems.append("\(id) has other bytes than were sent")
        }
    }

    /// The SHA-256 of a file, as the outbox spells it.
    private func digest(_ name: String) async throws -> String {
        let outcome = try await Program("/usr/bin/sha256sum", [folder.path(name)], in: folder.url).outcome()
        return "sha256:" + outcome.output.prefix(64)
    }

    /// The JSON objects on the complete lines of a program that may have been killed.
    private static func objects(_ outcome: Program.Outcome) throws -> [[String: Any]] {
        outcome.output.split(separator: "\n").compactMap { line in
            (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
        }
    }
}
