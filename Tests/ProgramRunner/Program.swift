public import Foundation
import Glibc

/// A program that a test started. It is killed when nothing refers to it any more.
public final class Program: Sendable {
    /// What is known of a program while it runs.
    fileprivate struct Progress: Sendable {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var openStreams = 2
        var status: Int32?
    }

    /// What there was in the end.
    public struct Outcome: Sendable {
        /// The exit code; for a program that died of a signal, 128 and its number.
        public let status: Int32
        /// What it wrote to standard output.
        public let output: String
        /// What it wrote to standard error.
        public let errors: String

        /// That of a program that did and wrote nothing.
        public init() { (status, output, errors) = (0, "", "") }
    }

    /// Something that should have happened by now.
    public struct Overdue: Error, CustomStringConvertible {
        public let description: String
    }

    /// The id of its process.
    public var id: Int32 { child.id }

    private let title: String
    private let child: Child
    private let progress: Observed<Progress>

    /// Starts `executable`.
    ///
    /// - Parameters:
    ///   - environment: All of its environment, but for `PATH` and `LANG`, which it gets from here where they are missing.
    ///   - input: A file for its standard input; nothing where nil.
    ///   - isKilledAtExit: Whether it is killed when this process exits; not for one that notices that by itself.
    public init(
        _ executable: String, _ arguments: [String], in folder: URL, environment: [String: String] = [:],
        input: URL? = nil, isKilledAtExit: Bool = true
    ) throws {
        title = ([executable.split(separator: "/").last.map(String.init) ?? executable] + arguments.prefix(3))
            .joined(separator: " ")
        let progress = Observed(Progress())
        self.progress = progress
        child = try Child(
            executable, arguments, in: folder.path,
            environment: Self.inherited.merging(environment) { $1 },
            input: input?.path ?? "/dev/null", isKilledAtExit: isKilledAtExit,
            watcher: Child.Watcher(
                output: { bytes in progress.update { $0.output += bytes } },
                errors: { bytes in progress.update { $0.errors += bytes } },
                streamEnd: { progress.update { $0.openStreams -= 1 } },
                end: { status in progress.update { $0.status = status } }))
    }

    deinit { signal(SIGKILL) }

    /// What every child gets; `TIBET_TEST_RUN` is how 'scripts/test' finds those that outlive the run.
    private static let inherited: [String: String] = {
        let own = ProcessInfo.processInfo.environment
        var variables = ["PATH": own["PATH"] ?? "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"]
        variables["TIBET_TEST_RUN"] = own["TIBET_TEST_RUN"]
        return variables
    }()

    /// Sends it a signal, unless it has ended.
    public func signal(_ number: Int32) {
        // While this looks, the id cannot have passed to another process.
        progress.look { if $0.status == nil { Glibc.kill(child.id, number) } }
    }

    /// Waits until it has ended and everything it wrote was read. Kills it at the limit.
    public func outcome(within limit: Duration = .seconds(60)) async throws -> Outcome {
        let end = await progress.first(within: limit) { progress -> Outcome? in
            guard let status = progress.status, progress.openStreams == 0 else { return nil }
            return Outcome(status: status, progress)
        }
        if let end { return end }
        kill()
        throw overdue("has not ended after \(limit)")
    }

    /// Waits for a line on standard output or standard error that contains `text`.
    public func line(containing text: String, within limit: Duration = .seconds(30)) async throws -> String {
        let found = await progress.first(within: limit) { progress -> String?? in
            let lines = Self.lines(progress.output) + Self.lines(progress.errors)
            if let line = lines.first(where: { $0.contains(text) }) { return .some(line) }
            return progress.status != nil && progress.openStreams == 0 ? .some(nil) : nil
        }
        guard let line = found ?? nil else { throw overdue("has not written '\(text)'") }
        return line
    }

    /// The complete lines in `bytes`.
    private static func lines(_ bytes: [UInt8]) -> [String] {
        guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        return String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Asks it to stop, waits until it has, and says how it ended.
    @discardableResult
    public func stop(within limit: Duration = .seconds(20)) async throws -> Outcome {
        signal(SIGTERM)
        return try await outcome(within: limit)
    }

    /// Ends it at once, as a power cut would.
    public func kill() { signal(SIGKILL) }

    private func overdue(_ what: String) -> Overdue {
        let outcome = Outcome(status: -1, progress.current)
        return Overdue(description: "'\(title)' \(what)\nstdout: \(outcome.output)\nstderr: \(outcome.errors)")
    }
}

extension Program.Outcome: CustomStringConvertible {
    fileprivate init(status: Int32, _ progress: Program.Progress) {
        self.status = status
        output = String(decoding: progress.output, as: UTF8.self)
        errors = String(decoding: progress.errors, as: UTF8.self)
    }

    public var description: String { "exit \(status)\nstdout: \(output)\nstderr: \(errors)" }

    /// The JSON objects on the lines of standard output.
    public func objects() throws -> [[String: Any]] {
        try output.split(separator: "\n").map { line in
            guard let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
                throw Program.Overdue(description: "no JSON object: \(line)")
            }
            return object
        }
    }
}
