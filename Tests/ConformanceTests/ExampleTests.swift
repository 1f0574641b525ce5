import CarrierConformance
import CarrierExec
import Fabric
import Foundation
import Testing

extension ConformanceTests {
    /// What the suite cannot show of the examples, because it always plays by the rules.
    @Suite("Example plug-ins")
    struct ExampleTests {
        /// If tcd is killed the plug-in lives on, and its pipe ends early.
        @Test("An envelope that ends early is not published", arguments: ["shareddir", "rclone"])
        func endsEarly(name: String) async throws {
            let scratch = try ScratchDirectory()
            let address = (name == "rclone" ? ":local:" : "") + scratch.path
            let request: [String: Any] = [
                "protocol": 1, "op": "deliver", "address": address, "name": "a.tza", "size": 10, "offset": 0,
                "digest": Digest(of: Array("0123456789".utf8)).hex, "path": "/dev/fd/3",
            ]
            let line = String(decoding: try JSONSerialization.data(withJSONObject: request), as: UTF8.self)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", #"printf 01234 | { exec 3<&0; printf '%s\n' "$LINE" | "$PLUGIN"; }"#]
            var environment = ProcessInfo.processInfo.environment
            environment["LINE"] = line
            environment["PLUGIN"] = PluginFiles.examples + "/tcd-carrier-" + name
            for (key, value) in request { environment["TCD_" + key.uppercased()] = "\(value)" }
            process.environment = environment
            let output = Pipe()
            process.standardOutput = output
            try process.run()
            let answer = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            #expect(
                answer.contains(#""type""#) && answer.contains("error") && answer.contains("corrupted"), "\(answer)")
            #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
        }

        @Test("What is published can be listed", arguments: ["shareddir", "rclone"])
        func listing(name: String) async throws {
            let scratch = try ScratchDirectory()
            let opened = try await PluginFiles.carrier(name, in: PluginFiles.examples, stallTime: .seconds(60))
            let carrier = try #require(opened as? ExecCarrier ?? (opened as? ExecReceivingCarrier)?.sender)
            let route = Route(scheme: name, address: (name == "rclone" ? ":local:" : "") + scratch.path)
            let envelope = PatternSource(size: 1000, seed: 1).envelope(try #require(ArrivalName("a.tza")))
            _ = try await carrier.deliver(envelope, along: route, reporting: .none)
            let listed = try await carrier.published(along: route)
            #expect(listed.map(\.name) == ["a.tza"] && listed.first?.digest == envelope.digest)
            #expect(listed.first?.size == 1000 && listed.first?.isFinished == true)
        }
    }
}
