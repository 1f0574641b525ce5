import Fabric
import Foundation
import ProgramRunner
import SSHServerRunner
import Testing

@testable import CarrierSCP

@Suite("Names of directories that a shell would make something of", .serialized)
struct HostilePathTests {
    static let names = [
        "with space", "single'quote", "double\"quote", "$(touch pwned)", "`touch pwned`", "; touch pwned;", "a\nb",
        "-rf", "--", "*", "?[a]", "$HOME", "${IFS}", "back\\slash", "!history", "#comment", "a&b|c>d<e", "~",
        "tab\there",
        "ünïcödé", "{a,b}", "%h %d", "'\"'\"'", "\r", "a\\", "$'x'",
    ]

    @Test("They are names and nothing else", arguments: SSHServer.Kind.allCases)
    func stored(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let carrier = server.carrier
        for name in Self.names {
            try server.folder.folder("inbox/\(name)")
            let route = server.route(to: server.folder.path("inbox/\(name)"))
            for seed in [1, 1, 2] as [UInt8] {
                let receipt = try await carrier.deliver(envelope([seed]), along: route)
                #expect(receipt.strength == .stored, "\(name)")
            }
            let kept = try #require(ArrivalName(demoName)?.distinguished(by: Digest(of: [2]).shortHex)?.text)
            #expect(try server.folder.names("inbox/\(name)") == [demoName, kept].sorted(), "\(name)")
        }
        // Nothing was done that one of them asks for.
        #expect(Set(server.names) == Set(Self.names))
        let home = FileManager.default.homeDirectoryForCurrentUser.appendingPathComponent("pwned").path
        #expect(!FileManager.default.fileExists(atPath: home))
    }

    @Test("A directory that is missing is not made, whatever its name")
    func missing() async throws {
        for kind in SSHServer.Kind.allCases {
            let server = try await SSHServer.start(kind)
            let route = server.route(to: server.folder.path("inbox/$(mkdir made)/x"))
            let error = await server.carrier.failure(envelope([1]), along: route)
            #expect(error?.kind == .misconfigured && error?.action == .tryNextRoute, "\(String(describing: error))")
            #expect(server.names.isEmpty)
        }
    }

    @Test("Quoting, byte for byte")
    func quoting() async throws {
        let folder = try WorkFolder()
        let every = String(decoding: (1...127).map { UInt8($0) }, as: UTF8.self)
        for text in Self.names + [every, "", "'", "''"] {
            try folder.write("script", Array("printf %s \(ShellText.quoted(text)) >out\n".utf8))
            for shell in ["/bin/sh", "/bin/bash"] {
                let outcome = try await Program(shell, [folder.path("script")], in: folder.url).outcome()
                #expect(outcome.status == 0)
                #expect(try folder.read("out") == Data(text.utf8), "\(text)")
            }
        }
    }
}
