import Foundation
import Glibc
import ProgramRunner

/// Runs one script in a folder of its own. `Scripts/README.md` says what can be written in one.
final class Script {
    /// A line that did not turn out as written.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let folder: WorkFolder
    private var environment: [String: String] = [:]
    private var names: [String: String]
    private var input: URL?
    private var last = Program.Outcome.none

    init() throws {
        folder = try WorkFolder()
        names = ["WORK": folder.url.path, "TCD": try BuiltProgram.path()]
    }

    /// Runs `script`, called `name` in failures.
    func run(_ script: String, named name: String) async throws {
        for line in ScriptLine.parse(script) {
            do {
                try await run(line.verb, line.words.map(filled), isNegated: line.isNegated)
            } catch {
                throw Failure(description: "\(name):\(line.number): \(error)\nthe last command: \(last)")
            }
        }
    }

    private func run(_ verb: String, _ words: [String], isNegated: Bool) async throws {
        switch (verb, words.count) {
        case ("tcd", _): try await tcd(words, mayFail: isNegated)
        case ("sh", 1): try await shell(words[0])
        case ("stdin", 1): input = folder(words[0])
        case ("env", 1): try set(words[0])
        case ("capture", 2): names[words[0]] = try text(of: words[1])
        case ("write", 2...): try folder.write(words[0], words.dropFirst().joined(separator: " ").utf8)
        case ("random", 2): try folder.write(words[0], noise(Int(words[1]) ?? 0))
        case ("flip", 2): try flip(words[0], at: Int(words[1]) ?? 0)
        case ("mkdir", 1): try folder.folder(words[0])
        default: try check(verb, words, isNegated: isNegated)
        }
    }

    private func check(_ verb: String, _ words: [String], isNegated: Bool) throws {
        let (holds, detail): (Bool, String)
        switch (verb, words.count) {
        case ("exit", 1): (holds, detail) = (last.status == Int32(words[0]), "")
        case ("stdout", 1): (holds, detail) = (try Regex(words[0]).firstMatch(in: last.output) != nil, "")
        case ("stderr", 1): (holds, detail) = (try Regex(words[0]).firstMatch(in: last.errors) != nil, "")
        case ("lines", 2):
            let text = words[0] == "stdout" ? last.output : last.errors
            (holds, detail) = (text.split(separator: "\n").count == Int(words[1]), "")
        case ("exists", 1): (holds, detail) = (folder.holds(words[0]), "")
        case ("names", 1...):
            let found = try folder.names(words[0])
            (holds, detail) = (found == words.dropFirst().sorted(), "found \(found)")
        case ("cmp", 2): (holds, detail) = (try folder.read(words[0]) == folder.read(words[1]), "")
        case ("mode", 2):
            var status = stat()
            let found =
                lstat(folder.path(words[1]), &status) == 0 ? String(status.st_mode & 0o7777, radix: 8) : "nothing"
            (holds, detail) = (found == words[0], "found \(found)")
        case ("keys", 1...):
            let found = try lastObject().keys.sorted()
            (holds, detail) = (found == words.sorted(), "found \(found)")
        case ("value", 2):
            let found = try text(of: words[0])
            (holds, detail) = (found == words[1], "found '\(found)'")
        default: throw Failure(description: "nobody knows '\(verb)' with \(words.count) words")
        }
        guard holds != isNegated else {
            let what = ([verb] + words).joined(separator: " ")
            throw Failure(description: "\(isNegated ? "! " : "")\(what)\(detail.isEmpty ? "" : ": " + detail)")
        }
    }

    private func tcd(_ words: [String], mayFail: Bool) async throws {
        last = try await BuiltProgram.start(words, in: folder.url, environment: environment, input: input).outcome()
        input = nil
        guard (last.status != 0) == mayFail else {
            throw Failure(description: "tcd \(words.joined(separator: " ")) ended with \(last.status)")
        }
    }

    private func shell(_ command: String) async throws {
        let outcome = try await Program(
            "/bin/sh", ["-c", command], in: folder.url,
            environment: [
                // Where 'tcd' lines have them: a shell must not reach for the identity and pins of this machine.
                "HOME": folder.url.path, "TIBET_IDENTITY": folder.path("identity"), "TIBET_STATE": folder.path("state"),
            ]
        ).outcome()
        guard outcome.status == 0 else { throw Failure(description: "sh: \(outcome)") }
    }

    private func set(_ assignment: String) throws {
        let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw Failure(description: "'\(assignment)' is no NAME=VALUE") }
        environment[String(parts[0])] = String(parts[1])
    }

    private func flip(_ name: String, at offset: Int) throws {
        var bytes = Array(try folder.read(name))
        let index = offset < 0 ? bytes.count + offset : offset
        guard bytes.indices.contains(index) else { throw Failure(description: "'\(name)' is too short") }
        bytes[index] ^= 1
        try folder.write(name, bytes)
    }

    /// The last line of standard output, as JSON.
    private func lastObject() throws -> [String: Any] {
        guard let object = try last.objects().last else { throw Failure(description: "nothing was printed") }
        return object
    }

    /// A value of that line as text.
    private func text(of key: String) throws -> String {
        switch try lastObject()[key] {
        case let text as String: return text
        // Foundation reads JSON booleans as numbers whose C type is `char`.
        case let number as NSNumber where String(cString: number.objCType) == "c": return "\(number.boolValue)"
        case let number as NSNumber: return number.stringValue
        case is NSNull: return "null"
        case let values as [Any]: return values.isEmpty ? "[]" : "\(values)"
        case let other: throw Failure(description: "'\(key)' is \(String(describing: other))")
        }
    }

    /// `word` with `$NAME` replaced by what was captured under that name.
    private func filled(_ word: String) -> String {
        names.reduce(word) { $0.replacingOccurrences(of: "$" + $1.key, with: $1.value) }
    }
}

extension Program.Outcome {
    /// Before anything was run.
    fileprivate static let none = Program.Outcome()
}
