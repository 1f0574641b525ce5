public import Foundation

/// A folder for one test, removed with the value.
public final class WorkFolder: Sendable {
    /// Where it is.
    public let url: URL

    /// A new, empty folder.
    public init() throws {
        url = FileManager.default.temporaryDirectory.resolvingSymlinksInPath()
            .appendingPathComponent("tcd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    /// The path of something in it.
    public func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Where something in it is.
    public func callAsFunction(_ name: String) -> URL { url.appendingPathComponent(name) }

    /// Makes a folder in it.
    @discardableResult
    public func folder(_ name: String) throws -> URL {
        try FileManager.default.createDirectory(at: self(name), withIntermediateDirectories: true)
        return self(name)
    }

    /// Writes a file in it, with its missing folders, and returns its path.
    @discardableResult
    public func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        try FileManager.default.createDirectory(
            at: self(name).deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: self(name))
        return path(name)
    }

    /// Makes a program of a text: written by a process of its own, because a child that this one starts at the wrong
    /// moment would hold the file open for writing, and then it cannot be run.
    public func program(_ name: String, _ text: String) async throws {
        let source = try write(name + ".text", text.utf8)
        let outcome = try await Program(
            "/bin/sh", ["-c", #"cat "$1" >"$2" && chmod 755 "$2""#, "sh", source, path(name)], in: url
        ).outcome()
        guard outcome.status == 0 else { throw Program.Overdue(description: "cannot make a program: \(outcome)") }
        try FileManager.default.removeItem(atPath: source)
    }

    /// The bytes of a file in it.
    public func read(_ name: String) throws -> Data { try Data(contentsOf: self(name)) }

    /// Whether something of this name is in it; a link counts, wherever it leads.
    public func holds(_ name: String) -> Bool {
        (try? FileManager.default.attributesOfItem(atPath: path(name))) != nil
    }

    /// The envelopes in the outbox of `tcd` here, and what is to become one.
    public func queued() throws -> [String] {
        try names("state/outbox").filter { $0.hasSuffix(".tza") || $0.hasSuffix(".part") }
    }

    /// What lies directly in it or in one of its folders, hidden things included, sorted.
    public func names(_ below: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: below.isEmpty ? url.path : path(below)).sorted()
    }
}
