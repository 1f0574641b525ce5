import CarrierConformance
import Fabric
import Foundation
import SystemPackage

/// A far side that ends in a directory of this machine. To be full or read only it becomes a file system of its own.
final class DirectoryFarSide: FarSide {
    let route: Route
    let directory: String

    private let scratch: ScratchDirectory

    /// A directory that `route` leads to.
    init(route: (_ directory: String) -> Route) throws {
        scratch = try ScratchDirectory()
        directory = scratch.path + "/far"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
        self.route = route(directory)
    }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: directory) }

    func publishedNames() async throws -> [String] { try names().filter { !$0.hasPrefix(".") } }

    func leftovers() async throws -> [String] { try names().filter { $0.hasSuffix(".part") } }

    func object(named name: String) async throws -> PublishedObject? {
        let path = FilePath(directory + "/" + name)
        guard FileManager.default.fileExists(atPath: path.string) else { return nil }
        let (digest, size) = try FileSource(path: path).digest()
        return PublishedObject(digest: digest, size: size)
    }

    func suffer(_ breakage: Breakage) async throws {
        switch breakage {
        case .full: try await mount("size=1m")
        case .readOnly:
            try await mount("size=64m")
            try await run("mount", "-o", "remount,ro", directory)
        case .absent: try FileManager.default.moveItem(atPath: directory, toPath: directory + ".away")
        default: throw MissingPower("a directory cannot be made to do that: \(breakage)")
        }
    }

    func mend() async throws {
        if FileManager.default.fileExists(atPath: directory + ".away") {
            try FileManager.default.moveItem(atPath: directory + ".away", toPath: directory)
        } else if isMounted {
            try await run("mount", "-o", "remount,rw,size=64m", directory)
        }
    }

    func close() async {
        guard isMounted else { return }
        // Whoever served it may still be about to let go of it.
        try? await run("umount", "--lazy", directory)
    }

    private var isMounted: Bool {
        ((try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? "").contains(" \(directory) ")
    }

    /// Puts a file system of its own over the directory, with what was in it.
    private func mount(_ options: String) async throws {
        let before = try names().map { ($0, try Data(contentsOf: URL(fileURLWithPath: directory + "/" + $0))) }
        try await run("mount", "-t", "tmpfs", "-o", options, "tmpfs", directory)
        for (name, bytes) in before { try bytes.write(to: URL(fileURLWithPath: directory + "/" + name)) }
    }

    private func run(_ program: String, _ arguments: String...) async throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        guard status == 0 else { throw MissingPower("'\(program)' failed; run the tests as root") }
    }
}

/// Excuses, given as reasons with the cases that they are for.
func excusing(_ groups: [(reason: String, cases: [String])]) -> [String: String] {
    Dictionary(groups.flatMap { group in group.cases.map { ($0, group.reason) } }) { first, _ in first }
}

/// The names of cases by what they need.
enum CaseNames {
    /// Cases that need any of `powers`.
    static func needing(_ powers: ConformancePower...) -> [String] {
        ConformanceSuite.cases.filter { !$0.needs.isDisjoint(with: powers) }.map(\.name)
    }

    static let keys = needing(.breakage(.changedKey), .breakage(.unknownKey), .breakage(.otherKeyType))
    static let receiving = needing(.receiving)
    static let dying = needing(.breakage(.diesMidway), .breakage(.diesBeforeAnswering), .breakage(.closesAtOnce))
    static let silence = needing(
        .breakage(.trickles), .breakage(.neverAnswers), .breakage(.slow), .breakage(.answersLate))
    static let nonsense = needing(.breakage(.answersGarbage), .breakage(.speaksAnother)) + forgetting
    /// Only carriers that compare what they wrote can be tried with these.
    static let forgetting = needing(.breakage(.forgets), .breakage(.miscounts))
}
