import Fabric
import Foundation
import ProgramRunner
import SSHServerRunner
import Testing

@testable import CarrierSCP

@Suite("SFTP servers that are not OpenSSH's", .serialized)
struct OtherServersTests {
    /// Compared here, so that a failure does not print megabytes.
    private func holds(_ content: [UInt8]?, _ bytes: [UInt8]) -> Bool { content == bytes }

    @Test("rclone's server keeps every byte", arguments: [false, true])
    func rclone(hasCache: Bool) async throws {
        // It waits for writes that come out of turn, and a second is not enough on a machine that is busy.
        let server = try await RcloneSFTPServer(
            options: ["--vfs-write-wait", "1m"] + (hasCache ? ["--vfs-cache-mode", "writes"] : []))
        let carrier = server.carrier
        for count in [0, 1, 30_000, (4 << 20) + 1] {
            let bytes = noise(count, seed: UInt64(count))
            let name = "2026-05-14.demo.n\(count).normal.tza"
            let receipt = try await carrier.deliver(envelope(bytes, name: name), along: server.route())
            // It does not say that anything is on stable storage.
            #expect(receipt.strength == .accepted && receipt.storedName == name && !receipt.wasDuplicate)
            // What is there is read back to find that out. With a cache, the file comes later to where it is served from.
            let again = try await carrier.deliver(envelope(bytes, name: name), along: server.route())
            #expect(again.wasDuplicate && again.storedName == name)
            #expect(hasCache || holds(server.content(name), bytes))
        }
        #expect(hasCache || server.names.count == 4)
    }

    @Test("At rclone's server an interrupted delivery begins anew")
    func rcloneResumes() async throws {
        let server = try await RcloneSFTPServer(options: ["--vfs-write-wait", "10s"])
        let bytes = noise(3 << 20)
        try server.folder.write("inbox/" + StagingFile.name(for: envelope(bytes)), bytes[..<(1 << 20)])
        let receipt = try await server.carrier.deliver(envelope(bytes), along: server.route())
        #expect(receipt.resumedFrom == 0)
        #expect(holds(server.content(demoName), bytes))
        #expect(server.names == [demoName])
    }

    @Test("At rclone's server a missing directory is named, whatever the size", arguments: [10, 2 << 20])
    func rcloneMissing(count: Int) async throws {
        let server = try await RcloneSFTPServer()
        let error = await server.carrier.failure(envelope(noise(count)), along: server.route(to: "a/b"))
        #expect(error?.kind == .misconfigured && error?.action == .tryNextRoute)
        #expect(error?.description.contains("there is no directory '/a/b'") == true, "\(String(describing: error))")
    }

    @Test("Every byte arrives", arguments: [OddSFTPServer.plain, .truncates, .late], [true, false])
    func arrives(server kind: OddSFTPServer, commands: Bool) async throws {
        let server = try await kind.start(commands: commands)
        let carrier = server.carrier
        for count in [0, 30_000, 3 << 20] {
            let bytes = noise(count, seed: UInt64(count))
            let name = "2026-05-14.demo.n\(count).normal.tza"
            let receipt = try await carrier.deliver(envelope(bytes, name: name), along: server.route())
            // Without SFTP's own way a shell stores files, and computes digests.
            #expect(receipt.strength == (commands ? .stored : .accepted))
            #expect(receipt.farDigest == (commands ? Digest(of: bytes) : nil))
            #expect(holds(server.content(name), bytes))
            let again = try await carrier.deliver(envelope(bytes, name: name), along: server.route())
            #expect(again.wasDuplicate)
            #expect(holds(server.content(name), bytes))
        }
        #expect(server.names.count == 3)
    }

    @Test("A partial is gone on with only where it was kept", arguments: [true, false])
    func resumes(commands: Bool) async throws {
        for kind in [OddSFTPServer.plain, .truncates, .truncatesAtWrite] {
            let server = try await kind.start(commands: commands)
            let bytes = noise(6 << 20)
            try server.folder.write("inbox/" + StagingFile.name(for: envelope(bytes)), bytes[..<(5 << 20)])
            let receipt = try await server.carrier.deliver(envelope(bytes), along: server.route())
            #expect(receipt.resumedFrom == (kind == .plain ? 5 << 20 : 0), "\(kind)")
            #expect(holds(server.content(demoName), bytes), "\(kind)")
            #expect(server.names == [demoName], "\(kind)")
        }
    }

    @Test("A partial of which only the name is missing is not opened for writing", arguments: [true, false])
    func onlyTheName(commands: Bool) async throws {
        let server = try await OddSFTPServer.truncates.start(commands: commands)
        let bytes = noise(200_000)
        try server.folder.write("inbox/" + StagingFile.name(for: envelope(bytes)), bytes)
        let receipt = try await server.carrier.deliver(envelope(bytes), along: server.route())
        #expect(receipt.resumedFrom == 200_000)
        #expect(holds(server.content(demoName), bytes))
        #expect(server.names == [demoName])
    }

    @Test(
        "A server that does not keep the bytes gives no receipt",
        arguments: [OddSFTPServer.forgets, .forgetsWhatItStored, .loses, .hides, .miscounts], [true, false])
    func keepsNothing(kind: OddSFTPServer, commands: Bool) async throws {
        let server = try await kind.start(commands: commands)
        let carrier = server.carrier
        for name in ["a.tza", "b.tza"] {
            let error = await carrier.failure(envelope(noise(30_000), name: name), along: server.route())
            #expect(error?.kind == .corrupted && error?.isRetryable == true, "\(String(describing: error))")
        }
        #expect(server.names.filter { !$0.hasSuffix(".part") }.isEmpty)
    }

    @Test("A server that is announced and not there, or is something else: scp at once", arguments: [10, 2 << 20])
    func noServer(count: Int) async throws {
        for kind in [OddSFTPServer.ends, .echoes, .prints] {
            let server = try await kind.start(commands: true)
            let bytes = noise(count)
            let receipt = try await server.carrier.deliver(envelope(bytes), along: server.route())
            #expect(receipt.strength == .stored && receipt.farDigest == Digest(of: bytes))
            #expect(holds(server.content(demoName), bytes))
        }
    }

    @Test("Where commands do not work either, the error says what came in place of SFTP")
    func nothingWorks() async throws {
        let cases: [(OddSFTPServer, String)] = [
            (.ends, "ends the SFTP server at once"), (.prints, "prints 'Welcome to host' before SFTP begins"),
        ]
        for (kind, words) in cases {
            let server = try await kind.start(commands: false)
            let error = await server.carrier.failure(envelope([1]), along: server.route())
            #expect(error?.kind == .refused && error?.action == .tryNextRoute)
            #expect(error?.description.contains(words) == true, "\(String(describing: error))")
        }
    }

    @Test("A session that the server closes at once is an error at once")
    func sessionClosed() async throws {
        // sshd wants the directory to be root's and nobody else's to write.
        let server = try await SSHServer.start(.restricted) { folder in
            try folder.folder("open")
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path("open"))
            return ["ChrootDirectory \(folder.path("open"))"]
        }
        let error = await server.carrier.failure(envelope([1]), along: server.route())
        #expect(error?.kind == .refused, "\(String(describing: error))")
        #expect(error?.description.contains("ends the SFTP server at once") == true, "\(String(describing: error))")
        #expect(error?.remedy?.contains("log") == true)
    }

    @Test("A missing directory is named, whatever the size", arguments: SSHServer.Kind.allCases)
    func missingDirectory(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        try server.folder.write("file", [1])
        for count in [10, 2 << 20] {
            for (name, words) in [("missing/one", "there is no directory"), ("file", "is not a directory")] {
                let path = server.folder.path(name)
                let error = await server.carrier.failure(envelope(noise(count)), along: server.route(to: path))
                #expect(error?.kind == .misconfigured && error?.action == .tryNextRoute)
                #expect(
                    error?.explanation.contains(words) == true && error?.explanation.contains("'\(path)'") == true,
                    "\(String(describing: error))")
            }
        }
    }

    /// A server whose login prints something, in front of commands and of SFTP.
    private func noisy(commands: String, sftp: String) async throws -> SSHServer {
        try await SSHServer.start(.withoutSFTP) { folder in
            let script = """
                case "$SSH_ORIGINAL_COMMAND" in
                *sftp-server*) \(sftp); exec /usr/lib/openssh/sftp-server ;;
                *) \(commands); exec /bin/sh -c "$SSH_ORIGINAL_COMMAND" ;;
                esac
                """
            let path = try folder.write("login.sh", Array(script.utf8))
            return ["Subsystem sftp /usr/lib/openssh/sftp-server", "ForceCommand /bin/sh \(path)"]
        }
    }

    @Test(
        "What a login prints before a command does not hide the far digest",
        arguments: [
            "echo Welcome", "printf Welcome", "echo \(Digest(of: []).hex)", "seq 1 100000", "seq 1 30000 >&2",
        ])
    func textBeforeCommands(text: String) async throws {
        let server = try await noisy(commands: text, sftp: ":")
        let bytes = noise(2 << 20)
        let receipt = try await server.carrier.deliver(envelope(bytes), along: server.route())
        #expect(receipt.strength == .stored && receipt.farDigest == Digest(of: bytes))
        #expect(holds(server.content(demoName), bytes))
    }

    @Test("A login that prints before everything is named with what it prints")
    func textBeforeAll() async throws {
        let server = try await noisy(commands: "echo Welcome to host", sftp: "echo Welcome to host")
        let error = await server.carrier.failure(envelope(noise(1000)), along: server.route())
        #expect(error?.kind == .refused && error?.action == .tryNextRoute, "\(String(describing: error))")
        #expect(error?.explanation.contains("prints 'Welcome to host' before scp begins") == true)
        #expect(error?.remedy?.contains("silent") == true)
        #expect(server.names.isEmpty)
    }
}
