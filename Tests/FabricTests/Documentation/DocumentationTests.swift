import Foundation
import Testing

/// The pages promise only what a test shows: `docs/threat-model.md` names the tests of each promise, and `claims.txt`
/// names them for each line of a page that says «always», «never», «nothing» or «whatever».
@Suite("Documentation")
struct DocumentationTests {
    @Test("Each promise of the threat model names tests, and all of them exist")
    func threatModel() throws {
        let page = try Repository.text("docs/threat-model.md")
        let promises = MarkdownTable.rows(of: page, under: "| # | promise |")
        #expect(promises.count >= 9)
        for row in promises {
            let tests = TestReference.all(in: row.last ?? "")
            #expect(!tests.isEmpty, "promise \(row.first ?? "") names no test")
            for test in tests { #expect(try test.exists, "\(test.text), named by promise \(row.first ?? "")") }
        }
    }

    @Test("A test that does not exist is noticed")
    func missingTest() throws {
        #expect(try TestReference("DocumentationTests.missingTest").exists)
        #expect(try TestReference("Scripts/usage.txt").exists)
        #expect(try !TestReference("DocumentationTests.thereIsNoSuchTest").exists)
        #expect(try !TestReference("NoSuchTests.missingTest").exists)
        #expect(try !TestReference("Scripts/no-such-script.txt").exists)
        // A helper function of a test is not a test.
        #expect(try !TestReference("ArchitectureTests.complaints").exists)
    }

    @Test("Every line that says always, never, nothing or whatever is a claim with a test, or a definition")
    func absoluteClaims() throws {
        var claims = try Claim.all()
        for page in try Repository.pages() {
            let lines = try Repository.text(page).split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() where Claim.isAbsolute(String(line)) {
                let known = claims.firstIndex { $0.page == page && line.contains($0.words) }
                #expect(known != nil, "\(page):\(index + 1): no entry in claims.txt for: \(line)")
                if let known { claims[known].isUsed = true }
            }
        }
        for claim in claims {
            #expect(claim.isUsed, "claims.txt: '\(claim.words)' does not stand in \(claim.page) any more")
            if claim.isDefinition { continue }
            #expect(!claim.tests.isEmpty, "claims.txt: '\(claim.words)' names no test")
            for test in claim.tests { #expect(try test.exists, "\(test.text), named for '\(claim.words)'") }
        }
    }
}

/// The files of this repository.
private enum Repository {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The pages for users, as paths relative to the root.
    static func pages() throws -> [String] {
        let docs = try FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent("docs").path)
        return ["README.md"] + docs.filter { $0.hasSuffix(".md") }.sorted().map { "docs/" + $0 }
    }

    /// The Swift files with tests, by their names without the ending.
    static let testFiles: [String: [URL]] = {
        var files: [String: [URL]] = [:]
        for folder in ["Tests", "Interop"] {
            let base = root.appendingPathComponent(folder)
            for path in (try? FileManager.default.subpathsOfDirectory(atPath: base.path)) ?? []
            where path.hasSuffix(".swift") {
                let file = base.appendingPathComponent(path)
                files[file.deletingPathExtension().lastPathComponent, default: []].append(file)
            }
        }
        return files
    }()
}

/// A test as the pages name it: `File.function`, or `Scripts/NAME.txt` for a script of `CLITests`.
private struct TestReference {
    let text: String

    init(_ text: String) { self.text = text }

    /// The references between backticks in `text`.
    static func all(in text: String) -> [TestReference] {
        text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { TestReference(String($0.element)) }
    }

    var exists: Bool {
        get throws {
            if text.hasPrefix("Scripts/") {
                return FileManager.default.fileExists(
                    atPath: Repository.root.appendingPathComponent("Tests/CLITests/" + text).path)
            }
            let parts = text.split(separator: ".", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { return false }
            for file in Repository.testFiles[parts[0]] ?? [] {
                if Self.declaresTest(parts[1], in: try String(contentsOf: file, encoding: .utf8)) { return true }
            }
            return false
        }
    }

    /// Whether a function of this name follows an attribute `@Test`, with nothing but the attribute's own words between.
    private static func declaresTest(_ function: String, in source: String) -> Bool {
        source.components(separatedBy: "@Test").dropFirst().contains { rest in
            guard let declaration = rest.range(of: "func ") else { return false }
            return rest[declaration.upperBound...].hasPrefix(function + "(")
        }
    }
}

/// A line of `claims.txt`: page, some words of the line, and the tests that show it, with ` | ` between them. A line that
/// defines a term or describes an input names `definition` instead of tests.
private struct Claim {
    let page: String
    let words: String
    let tests: [TestReference]
    let isDefinition: Bool
    var isUsed = false

    static func isAbsolute(_ line: String) -> Bool {
        line.contains(#/(?i)\b(always|never|nothing|whatever)\b/#)
    }

    static func all() throws -> [Claim] {
        let text = try Repository.text("Tests/FabricTests/Documentation/claims.txt")
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let parts = line.components(separatedBy: " | ")
            let evidence = parts.count == 3 ? parts[2] : ""
            return Claim(
                page: parts[0], words: parts.count > 1 ? parts[1] : "", tests: TestReference.all(in: evidence),
                isDefinition: evidence == "definition")
        }
    }
}

/// Tables in the pages.
private enum MarkdownTable {
    /// The cells of each row of the first table whose header begins with `header`.
    static func rows(of page: String, under header: String) -> [[String]] {
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false)
        guard let start = lines.firstIndex(where: { $0.hasPrefix(header) }) else { return [] }
        return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            line.dropFirst().dropLast().components(separatedBy: " | ").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
    }
}
