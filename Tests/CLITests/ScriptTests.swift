import Foundation
import Testing

/// What a person types, and what comes back: one script for each thing to do.
@Suite("The command line")
struct ScriptTests {
    static let folder = Bundle.module.url(forResource: "Scripts", withExtension: nil)

    static let names: [String] = {
        let found = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0.path) } ?? []
        return found.filter { $0.hasSuffix(".txt") }.sorted()
    }()

    @Test("Each script", .timeLimit(.minutes(2)), arguments: names)
    func script(name: String) async throws {
        let url = try #require(Self.folder).appendingPathComponent(name)
        try await Script().run(try String(contentsOf: url, encoding: .utf8), named: name)
    }

    @Test("The scripts are there")
    func scriptsAreThere() {
        #expect(Self.names.count >= 10)
    }
}
