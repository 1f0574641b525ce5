import Foundation
import ProgramRunner
import Testing

/// `tcd carrier`, and sending through a plug-in.
@Suite("Plug-ins on the command line", .timeLimit(.minutes(10)))
struct CarrierCommandTests {
    let folder: WorkFolder
    let environment: [String: String]

    init() throws {
        folder = try WorkFolder()
        let examples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Examples").path
        _ = try folder.folder("plugins")
        environment = ["TIBET_CARRIER_PATH": folder.path("plugins") + ":" + examples]
    }

    /// Makes a plug-in of some lines of shell.
    ///
    /// Another program writes it: what this one has open for writing is inherited by whatever other tests start just
    /// then, and a program that anybody has open for writing cannot be started.
    private func plugin(_ name: String, _ body: String) async throws {
        let text = try folder.write("plugin.sh", Array(("#!/bin/sh\n" + body).utf8))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: text)
        let copying = try await Program(
            "/bin/cp", [text, folder.path("plugins/tcd-carrier-" + name)], in: folder.url
        ).outcome()
        #expect(copying.status == 0, "\(copying)")
    }

    @Test("What is sent with the name of a plug-in goes through it")
    func sending() async throws {
        try folder.write("a.txt", Array("some text".utf8))
        let share = try folder.folder("share").path
        let sending = try await BuiltProgram.run(
            "send", "a.txt", "--to", share, "--transport", "shareddir", "--json", in: folder.url,
            environment: environment)
        #expect(sending.status == 0, "\(sending)")
        let sent = try #require(try sending.objects().last)
        #expect(sent["carrier"] as? String == "shareddir" && sent["state"] as? String == "stored", "\(sending)")
        let name = try #require(sent["stored_name"] as? String)
        let verifying = try await BuiltProgram.run("verify", folder.path("share/" + name), in: folder.url)
        #expect(verifying.status == 0, "\(verifying)")
        #expect(try folder.names("state/outbox").isEmpty)
    }

    @Test("What a plug-in does not deliver stays, and the exit status says what to do")
    func failing() async throws {
        try folder.write("a.txt", Array("some text".utf8))
        let sending = try await BuiltProgram.run(
            "send", "a.txt", "--to", folder.path("missing"), "--transport", "shareddir", in: folder.url,
            environment: environment)
        #expect(sending.status == 69, "\(sending)")
        #expect(sending.errors.contains("shareddir: there is no directory"), "\(sending)")
        #expect(try folder.names("state/outbox").count == 1)
    }

    @Test("Carriers are listed, built in and found, usable and not")
    func listing() async throws {
        try await plugin("dead", "exit 1\n")
        let listing = try await BuiltProgram.run("carrier", "list", "--json", in: folder.url, environment: environment)
        #expect(listing.status == 0, "\(listing)")
        let all = Dictionary(try listing.objects().map { ($0["name"] as? String ?? "", $0) }) { first, _ in first }
        #expect(all["local"]?["strongest_receipt"] as? String == "stored")
        #expect(all["local"]?["plugin"] is NSNull)
        #expect(all["shareddir"]?["powers"] as? [String] == ["probing", "receiving"])
        #expect((all["shareddir"]?["plugin"] as? String)?.hasSuffix("/Examples/tcd-carrier-shareddir") == true)
        #expect((all["dead"]?["error"] as? String)?.contains("ended with status 1") == true, "\(listing)")
    }

    @Test("The suite runs over a plug-in, which passes")
    func passing() async throws {
        let share = try folder.folder("share").path
        let testing = try await BuiltProgram.run(
            "carrier", "test", "shareddir", "--route", share, "--far-side", share, "--json", in: folder.url,
            environment: environment, within: .seconds(400))
        #expect(testing.status == 0, "\(testing)")
        let summary = try #require(try testing.objects().last)
        #expect(summary["failed"] as? Int == 0 && (summary["passed"] as? Int ?? 0) > 30, "\(testing)")
        #expect(try folder.names("share").isEmpty)
    }

    @Test("The suite catches a plug-in that does not look what it gets")
    func careless() async throws {
        try await plugin(
            "careless",
            """
            case $TCD_OP in
            hello) echo '{"type":"hello","protocols":[1],"traits":{"strongest_receipt":"accepted","in_flight":4}}' ;;
            probe) echo '{"type":"ready"}' ;;
            deliver) cat <&3 >"$TCD_ADDRESS/$TCD_NAME"; echo '{"type":"receipt","strength":"accepted"}' ;;
            esac

            """)
        let share = try folder.folder("share").path
        let testing = try await BuiltProgram.run(
            "carrier", "test", "careless", "--route", share, "--far-side", share, in: folder.url,
            environment: environment, within: .seconds(400))
        #expect(testing.status == 1, "\(testing)")
        for name in ["never-partial", "name-taken", "absent"] {
            #expect(testing.output.contains("failed  \(name)\n"), "\(name): \(testing)")
        }
    }

    @Test("What cannot be tested is a wrong call")
    func wrongCalls() async throws {
        try await plugin(
            "mute", #"echo '{"type":"hello","protocols":[1],"traits":{"strongest_receipt":"stored","in_flight":1}}'"#)
        for arguments in [["nothing"], ["../sh"], ["mute"], ["mute", "--far-side", "/", "--stall-timeout", "0"]] {
            let testing = try await BuiltProgram.start(
                ["carrier", "test"] + arguments + ["--route", "/"], in: folder.url, environment: environment
            ).outcome()
            #expect(testing.status == 64, "\(arguments): \(testing)")
            #expect(testing.errors.split(separator: "\n").count == 1, "\(testing)")
        }
    }
}
