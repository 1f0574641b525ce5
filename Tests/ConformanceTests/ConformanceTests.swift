import CarrierConformance
import Fabric
import Testing

/// Every case over every carrier. One after the other, because one of the cases looks at this process's memory.
@Suite("Conformance", .serialized)
struct ConformanceTests {
    static let suite = ConformanceSuite(includesLarge: true)
    static let names = suite.cases.map(\.name)
    /// Without the one that moves more than 4 GiB, which says little about layers.
    static let quickNames = suite.cases.filter { !$0.isLarge }.map(\.name)

    /// Runs one case, and says what it found.
    static func check(_ name: String, over subject: any ConformanceSubject) async throws {
        let one = try #require(suite.cases.first { $0.name == name })
        let result = await suite.run(one, over: subject)
        guard case .failed(let findings) = result.outcome else { return }
        for finding in findings {
            Issue.record("\(subject.title), \(name) (obligations \(one.obligations)): \(finding)")
        }
    }

    @Test("The in-memory carrier", arguments: names)
    func inMemory(name: String) async throws { try await Self.check(name, over: InMemorySubject()) }

    @Test("The local carrier", arguments: names)
    func local(name: String) async throws { try await Self.check(name, over: LocalSubject()) }

    @Test("Plug-ins: one that goes wrong in every way", arguments: quickNames)
    func exec(name: String) async throws { try await Self.check(name, over: RiggedSubject()) }

    @Test("Plug-ins: the example in shell", arguments: quickNames)
    func shareddir(name: String) async throws { try await Self.check(name, over: SharedDirectorySubject()) }

    @Test("Plug-ins: the example over rclone", arguments: quickNames)
    func rclone(name: String) async throws { try await Self.check(name, over: RcloneSubject()) }

    @Test("Layers around the in-memory carrier", arguments: LayeredSubjects.all, quickNames)
    func layers(subject: InMemorySubject, name: String) async throws { try await Self.check(name, over: subject) }

    @Test("Every obligation has a case, and every case a name of its own")
    func obligations() {
        #expect(Set(Self.suite.cases.flatMap(\.obligations)) == Set(1...25))
        #expect(Set(Self.names).count == Self.names.count)
    }

    @Test("No subject excuses what does not exist")
    func strayExcuses() {
        let others: [any ConformanceSubject] = [
            LocalSubject(), RiggedSubject(), SharedDirectorySubject(), RcloneSubject(),
        ]
        for subject in others + LayeredSubjects.all {
            #expect(ConformanceSuite.strayExcuses(of: subject).isEmpty, "\(subject.title)")
        }
    }
}
