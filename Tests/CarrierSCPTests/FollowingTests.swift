import Fabric
import Foundation
import ProgramRunner
import SSHServerRunner
import Testing

@testable import CarrierSCP

@Suite("A far side that hashes what it is still being sent", .serialized)
struct FollowingTests {
    /// A server whose account finds its programs in a folder of ours first.
    private struct FarSide {
        let server: SSHServer
        let programs: WorkFolder

        init(_ kind: SSHServer.Kind, paths: String = ":/usr/bin:/bin") async throws {
            programs = try WorkFolder()
            server = try await SSHServer.start(kind, options: ["SetEnv PATH=\(programs.path("bin"))\(paths)"])
            try programs.folder("bin")
        }

        /// Puts a program of ours before that of the system: one that writes its name down, and goes on as `text` says.
        func put(_ name: String, _ text: String) async throws {
            try await programs.program("bin/\(name)", "#!/bin/sh\necho \(name) \"$@\" >>\(log)\n\(text)\n")
        }

        private var log: String { programs.path("log") }

        /// What was written down.
        var calls: [String] {
            let text = String(decoding: (try? programs.read("log")) ?? Data(), as: UTF8.self)
            return text.split(separator: "\n").map(String.init)
        }

        func deliver(_ bytes: [UInt8]) async throws -> DeliveryReceipt {
            try await server.carrier.deliver(envelope(bytes), along: server.route())
        }
    }

    private static let kinds: [SSHServer.Kind] = [.usual, .withoutSFTP]
    private let large = noise(40 << 20)

    @Test("The bytes are read once, and before the last of them is there", arguments: kinds)
    func readOnce(kind: SSHServer.Kind) async throws {
        let far = try await FarSide(kind)
        try await far.put("dd", "exec /usr/bin/dd \"$@\"")
        try await far.put("openssl", "exec /usr/bin/openssl \"$@\"")
        let receipt = try await far.deliver(large)
        #expect(receipt.farDigest == Digest(of: large) && receipt.strength == .stored)
        #expect(far.server.content(demoName) == large)
        #expect(far.calls.contains { $0.hasPrefix("dd bs=1048576 count=") })
        // Once to see what it can, and once for this.
        #expect(far.calls.count { $0.hasPrefix("openssl") } == 2)
    }

    @Test("What is small is hashed afterwards", arguments: kinds)
    func small(kind: SSHServer.Kind) async throws {
        let far = try await FarSide(kind)
        try await far.put("dd", "exec /usr/bin/dd \"$@\"")
        #expect(try await far.deliver([1, 2, 3]).farDigest == Digest(of: [1, 2, 3]))
        #expect(far.calls.allSatisfy { !$0.contains("count=") })
    }

    @Test("A digest that differs is computed again before anything is called damaged", arguments: kinds)
    func differs(kind: SSHServer.Kind) async throws {
        let far = try await FarSide(kind)
        try await far.put("dd", "case \"$1\" in bs=*) echo more ;; esac; exec /usr/bin/dd \"$@\"")
        try await far.put("openssl", "exec /usr/bin/openssl \"$@\"")
        let receipt = try await far.deliver(large)
        #expect(receipt.farDigest == Digest(of: large))
        #expect(far.calls.count { $0.hasPrefix("openssl") } == 3)
        #expect(far.server.names == [demoName])
    }

    @Test("A far side whose dd fails, or that has none, hashes all the same", arguments: kinds)
    func withoutReader(kind: SSHServer.Kind) async throws {
        let far = try await FarSide(kind)
        try await far.put("dd", "exit 1")
        #expect(try await far.deliver(large).farDigest == Digest(of: large))
        let bare = try await FarSide(kind, paths: "")
        for name in ["cat", "ln", "rm", "head", "wc", "sync", "sha256sum", "df", "tail", "truncate", "scp"] {
            try FileManager.default.createSymbolicLink(
                atPath: bare.programs.path("bin/\(name)"), withDestinationPath: "/usr/bin/\(name)")
        }
        #expect(try await bare.deliver(large).farDigest == Digest(of: large))
    }

    @Test("A file that is not what was sent is found out, and goes", arguments: kinds)
    func damaged(kind: SSHServer.Kind) async throws {
        let far = try await FarSide(kind)
        // Whoever reads it changes it, as a bad disk would.
        try await far.put(
            "dd",
            """
            case "$1" in bs=*)
                for f in '\(far.server.folder.path("inbox"))'/.*.part; do
                    printf x | /usr/bin/dd of="$f" bs=1 seek=9 conv=notrunc
                done ;;
            esac
            exec /usr/bin/dd "$@"
            """
        )
        let error = await far.server.carrier.failure(envelope(large), along: far.server.route())
        #expect(error?.kind == .corrupted, "\(String(describing: error))")
        #expect(far.server.names.isEmpty)
    }

    @Test("Where there may be no second channel, it is delivered without")
    func refused() async throws {
        let server = try await SSHServer.start(options: ["MaxSessions 1"])
        let receipt = try await server.carrier.deliver(envelope(large), along: server.route())
        #expect(receipt.farDigest == nil && receipt.strength == .stored)
        #expect(server.content(demoName) == large)
    }

    @Test("Interrupted while it was followed, it goes on, and leaves nothing running", arguments: kinds)
    func interrupted(kind: SSHServer.Kind) async throws {
        let far = try await FarSide(kind)
        let (server, carrier) = (far.server, far.server.carrier)
        try await far.put("openssl", "/usr/bin/openssl \"$@\"; echo ended >>\(far.programs.path("ended"))")
        let relay = try HoldingRelay(to: "http://127.0.0.1:\(server.port)", holdingAfter: 24 << 20)
        let port = try #require(relay.url.split(separator: ":").last.flatMap { Int($0) })
        try server.knowLines(["[127.0.0.1]:\(server.port),[127.0.0.1]:\(port) \(try server.publicKey("host_ed25519"))"])
        let delivery = Task { await carrier.failure(envelope(large), along: server.route(port: port)) }
        try await relay.held()
        relay.close()
        #expect(await delivery.value?.isRetryable == true)
        let receipt = try await far.deliver(large)
        #expect(receipt.resumedFrom > 16 << 20 && receipt.farDigest == Digest(of: large))
        #expect(server.content(demoName) == large && server.names == [demoName])
        // Each that was begun has come to its end, that of the broken connection too.
        let haveEnded = try await Repeated.until(within: .seconds(60)) {
            let ended = String(decoding: (try? far.programs.read("ended")) ?? Data(), as: UTF8.self)
            return ended.split(separator: "\n").count == far.calls.count { $0.hasPrefix("openssl") }
        }
        #expect(haveEnded)
    }

    @Test("One that never answers is stalled in the configured time", arguments: kinds)
    func stalled(kind: SSHServer.Kind) async throws {
        let far = try await FarSide(kind)
        try await far.put("dd", "case \"$1\" in bs=*) exec /usr/bin/sleep 30 ;; esac; exec /usr/bin/dd \"$@\"")
        var configuration = far.server.configuration
        configuration.stallTime = .seconds(2)
        let error = await SCPCarrier(configuration: configuration).failure(
            envelope(large), along: far.server.route())
        #expect(error?.kind == .stalled, "\(String(describing: error))")
        #expect(far.server.names.filter { !$0.hasPrefix(".") }.isEmpty)
    }

    @Test("The name of the directory is not interpreted", arguments: kinds)
    func hostileName(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let name = "a\n$(touch pwned)`touch pwned`'; touch pwned; : \"%s\\"
        try server.folder.folder("inbox/\(name)")
        let receipt = try await server.carrier.deliver(
            envelope(large), along: server.route(to: server.folder.path("inbox/\(name)")))
        #expect(receipt.farDigest == Digest(of: large))
        #expect(try server.folder.names("inbox/\(name)") == [demoName])
        #expect(server.names == [name])
    }
}
