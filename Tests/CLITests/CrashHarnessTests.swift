import Foundation
import ProgramRunner
import Testing

/// `scripts/crash-test N` runs this with more sends; the seed is in the output, and brings the same run back as far as
/// the machine's own timing lets it.
@Suite("Killed at random", .serialized)
struct CrashHarnessTests {
    @Test("Nothing is lost and nothing comes twice")
    func killed() async throws {
        let environment = ProcessInfo.processInfo.environment
        let count = environment["TCD_CRASH_RUNS"].flatMap { Int($0) } ?? 40
        let seed = environment["TCD_CRASH_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...UInt64.max)
        print("crash harness: \(count) sends, TCD_CRASH_SEED=\(seed)")
        let figures = try await CrashHarness(seed: seed).run(count)
        print("crash harness: \(figures)")
        #expect(figures.problems.isEmpty, "seed \(seed): \(figures.problems.joined(separator: "\n"))")
        #expect(figures.runs == count)
        // A harness that kills nobody, or only those that have not begun, shows nothing.
        #expect(figures.killed > 0 && figures.ordered > count / 8, "\(figures)")
        #expect(figures.overSSH >= count / 40, "\(figures)")
    }
}
