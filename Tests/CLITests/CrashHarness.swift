import Foundation
import Glibc
import ProgramRunner
import SSHServerRunner

/// Many sends that share one outbox, killed at random moments, over HTTP, over a bad network, over SSH, and into a
/// directory; then a drain, and a count of what there is.
final class CrashHarness: Sendable {
    /// What came of all runs.
    struct Figures: Sendable, CustomStringConvertible {
        var runs = 0
        var killed = 0
        var refused = 0
        var ordered = 0
        /// Of those in the index.
        var overSSH = 0
        var receiversKilled = 0
        var faults: [String: Int] = [:]
        /// What should not be, one line each.
        var problems: [String] = []

        var description: String {
            let faults = faults.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
            return
                "\(runs) sends, \(killed) killed, \(refused) that failed, \(ordered) in the index (\(overSSH) over SSH), "
                + "\(receiversKilled) receivers killed; on the network: \(faults.isEmpty ? "nothing" : faults)"
        }
    }

    /// A harness that does not even work undisturbed.
    private struct Useless: Error, CustomStringConvertible {
        let description: String
    }

    /// One send.
    private struct Run: Sendable {
        enum Way {
            case http, relay, local, ssh

            /// One in eight goes over SSH, which takes longest; the others share the rest.
            init(_ number: Int) {
                let others = [Way.http, .relay, .local]
                self = number % 8 == 5 ? .ssh : others[number % 3]
            }

            /// How many times as long as over HTTP it takes at most until one is done.
            var length: Double { self == .ssh ? 6 : 2.5 }
        }
        var number: Int
        var way: Way
        var size: Int
        /// When it is killed; nil for never.
        var death: Duration?
    }

    let folder: WorkFolder
    private let seed: UInt64
    private let port: Int
    private let server: SSHServer
    private let serverOptions: [String]

    init(seed: UInt64) async throws {
        folder = try WorkFolder()
        self.seed = seed
        port = try FreePort.find()
        server = try await SSHServer.start()
        serverOptions = try server.clientOptions()
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
                let way = Run.Way(number)
                // One in eight lives, and now and then one of those over SSH.
                return Run(
                    number: number, way: way,
                    size: number % 10 == 9 ? 3 << 20 : Int.random(in: 1...60_000, using: &random),
                    death: number % 8 == 7 || number % 40 == 13
                        ? nil : usual * Double.random(in: 0...way.length, using: &random))
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
                "--from-anyone",
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
                    case .ssh: server.inbox
                    }
                let program = try BuiltProgram.start(
                    [
                        "send", folder.path("in/run\(run.number).bin"), "--to", target, "--stall-timeout", "1",
                        "--json",
                        "--surface-context", "run\(run.number)",
                    ] + serverOptions, in: folder.url)
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
        let program = try BuiltProgram.start(
            ["outbox", "drain", "--stall-timeout", "1"] + serverOptions, in: folder.url)
        try await Task.sleep(for: death)
        program.kill()
        _ = try await program.outcome()
    }

    // MARK: - In the end

    /// Drains, and has tried again at once what rests, or waits for somebody who looks.
    private func settle() async throws {
        for _ in 0..<20 {
            try await run("outbox", "drain", "--jobs", "2", "--stall-timeout", "5")
            let open = try await entries(all: false)
            if open.isEmpty { return }
            for entry in open {
                guard let id = entry["id"] as? String else { continue }
                if entry["state"] as? String == "quarantined" {
                    _ = try await BuiltProgram.run("outbox", "replay", id, in: folder.url)
                }
                try await run("outbox", "retry", id, "--stall-timeout", "5")
            }
        }
    }

    /// Runs something that may deliver to all of the receivers.
    private func run(_ arguments: String...) async throws {
        _ = try await BuiltProgram.start(arguments + serverOptions, in: folder.url).outcome(within: .seconds(300))
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
        let drops = [
            try await Drop(folder.path("drop"), in: self), try await Drop(server.folder.path("inbox"), in: self),
        ]
        for entry in entries {
            let context =
                (entry["name"] as? String ?? "").split(separator: ".").dropFirst().first.map(String.init) ?? ""
            let id = "\(entry["id"] ?? "?") (\(context))"
            if entry["state"] as? String != "delivered" { figures.problems.append("\(id) is \(entry["state"] ?? "?")") }
            let target = entry["target"] as? String ?? ""
            if target.hasPrefix("http") {
                check(context, id, times: timesUnpacked[entry["tpid"] as? String ?? ""] ?? 0, &figures)
            } else {
                let times = drops[target.hasPrefix("scp") ? 1 : 0].times[entry["digest"] as? String ?? ""] ?? 0
                if times != 1 { figures.problems.append("\(id) lies \(times) times where it was sent to") }
            }
        }
        let targets = entries.compactMap { $0["target"] as? String }
        let overSSH = targets.count { $0.hasPrefix("scp") }
        figures.overSSH = overSSH
        for (drop, count) in [(drops[0], targets.count { $0.hasPrefix("/") }), (drops[1], overSSH)]
        where drop.count != count {
            figures.problems.append("\(drop.count) lie where \(count) were sent to")
        }
        let partials = server.names.filter { $0.hasSuffix(".part") }
        if !partials.isEmpty { figures.problems.append("left at the far side: \(partials)") }
        let left = try folder.names("state/outbox").filter { $0.hasSuffix(".tza") || $0.hasSuffix(".part") }
        if !left.isEmpty { figures.problems.append("left in the outbox: \(left)") }
    }

    /// What lies in a directory that is sent to.
    private struct Drop {
        var count = 0
        /// How many files there are with each digest.
        var times: [String: Int] = [:]

        init(_ path: String, in harness: CrashHarness) async throws {
            for name in try FileManager.default.contentsOfDirectory(atPath: path) where name.hasSuffix(".tza") {
                count += 1
                times[try await harness.digest("\(path)/\(name)"), default: 0] += 1
            }
        }
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
    private func digest(_ path: String) async throws -> String {
        let outcome = try await Program("/usr/bin/sha256sum", [path], in: folder.url).outcome()
        return "sha256:" + outcome.output.prefix(64)
    }

    /// The JSON objects on the complete lines of a program that may have been killed.
    private static func objects(_ outcome: Program.Outcome) throws -> [[String: Any]] {
        outcome.output.split(separator: "\n").compactMap { line in
            (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
        }
    }
}
