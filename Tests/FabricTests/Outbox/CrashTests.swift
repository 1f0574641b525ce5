import Foundation
import ProgramRunner
import SystemPackage
import Testing

@_spi(CrashTests) @testable import Fabric

/// A process that is killed at any step loses nothing and leaves nothing to be delivered twice.
@Suite("Crashes of the outbox", .timeLimit(.minutes(2)))
struct CrashTests {
    let folder: WorkFolder

    init() throws {
        folder = try WorkFolder()
        try folder.write("a.txt", prose(4000))
        try folder.folder("lane")
    }

    @discardableResult
    private func run(_ command: String..., dyingAt step: OutboxStep? = nil) async throws -> Program.Outcome {
        var environment = ["TMPDIR": folder.url.path]
        environment["OUTBOX_DIES_AT"] = step?.rawValue
        let arguments = [command[0], folder.path("state")] + command.dropFirst().map { folder.path($0) }
        return try await Program(
            try BuiltProgram.path(of: "OutboxCrasher"), arguments, in: folder.url, environment: environment
        ).outcome()
    }

    /// The envelopes that were published where they were to go. Beside them may be staging files of the dead, which
    /// whoever owns the lane removes.
    private func published() throws -> [String] { try folder.names("lane").filter { $0.hasSuffix(".tza") } }

    private func outbox() throws -> Outbox { try Outbox(state: FilePath(folder.path("state"))) }

    @Test("At every step of sending", arguments: OutboxStep.allCases)
    func sending(step: OutboxStep) async throws {
        let killed = try await run("send", "a.txt", "lane", dyingAt: step)
        #expect(killed.status == 128 + SIGKILL, "\(killed)")
        let isOrdered = try !outbox().list(.all).isEmpty
        // Once it is in the index it is a promise; before, nothing was said to anybody.
        #expect(isOrdered == !([.staged, .sealed, .named, .published] as [OutboxStep]).contains(step))
        let drained = try await run("drain")
        #expect(drained.status == 0, "\(drained)")
        #expect(try published().count == (isOrdered ? 1 : 0))
        #expect(try folder.queued() == [])
        if isOrdered {
            let entry = try #require(try outbox().list(.all).first)
            #expect(entry.state == .delivered)
            let digest = try EnvelopeFile(path: FilePath(folder.path("lane/\(entry.name)"))).digest()
            #expect(digest == entry.digest)
        }
    }

    @Test(
        "At every step of draining, again and again, until nothing is left",
        arguments: [.claimed, .begun, .received, .recorded, .removed] as [OutboxStep])
    func draining(step: OutboxStep) async throws {
        for _ in 0..<5 { try await run("queue", "a.txt", "lane") }
        // Each dies with the first envelope that it gets so far, so each gets at least one step on.
        for _ in 0..<6 {
            let outcome = try await run("drain", dyingAt: step)
            #expect([0, 128 + SIGKILL].contains(outcome.status), "\(outcome)")
        }
        #expect(try await run("drain").status == 0)
        #expect(try published().count == 5)
        #expect(try folder.queued() == [])
        #expect(try outbox().counts() == [.delivered: 5])
    }

    @Test("Several processes drain one outbox, and each envelope is tried once")
    func processes() async throws {
        for number in 0..<24 {
            try await run("queue", "a.txt", "lane")
            if number == 12 { try folder.write("a.txt", prose(90_000)) }
        }
        let outcomes = try await withThrowingTaskGroup(of: Program.Outcome.self) { group in
            for _ in 0..<3 { group.addTask { try await run("drain") } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.map(\.status) == [0, 0, 0], "\(outcomes)")
        let outbox = try outbox()
        for entry in try outbox.list(.all) {
            #expect(entry.state == .delivered && entry.attempts == 1)
        }
        #expect(try outbox.counts() == [.delivered: 24])
        #expect(try published().count == 24)
    }
}
