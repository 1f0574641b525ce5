import Fabric
import Foundation
import SystemPackage
import Testing

@testable import CarrierHTTP
@testable import HTTPServing

/// https in both directions, with an authority of the test's own.
@Suite struct TLSTests {
    /// Keys and certificates made by openssl: an authority, a server for 127.0.0.1, one for another name, a client.
    struct Authority: Sendable {
        /// Made once: many small programs have to run for it.
        static let shared = Result { try Authority() }

        let workspace = Workspace()

        init() throws {
            let script = """
                set -e
                cd '\(workspace.path.string)'
                new() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
                new ca
                openssl req -x509 -new -key ca.key -subj /CN=test-authority -days 2 -out ca.pem
                issue() {
                  new $1
                  openssl req -new -key $1.key -subj /CN=$1 -out $1.csr
                  printf "subjectAltName=$2\\n" > $1.ext
                  openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
                    -extfile $1.ext -out $1.pem
                }
                issue server IP:127.0.0.1
                issue other DNS:elsewhere.example
                issue client DNS:client.example
                """
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", script]
            process.standardError = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
        }

        func file(_ name: String) -> FilePath { workspace.path.appending(name) }

        func server(_ name: String = "server", clients: Bool = false) -> HTTPListenerTLS {
            HTTPListenerTLS(
                certificateChain: file(name + ".pem"), privateKey: file(name + ".key"),
                clientAuthorities: clients ? file("ca.pem") : nil)
        }
    }

    @Test(arguments: [1000, 3_000_000]) func deliversOverTLS(_ size: Int) async throws {
        let authority = try Authority.shared.get()
        try await TestInbox.with(tls: authority.server()) { inbox in
            #expect(inbox.address.description.hasPrefix("https://127.0.0.1:"))
            let bytes = pattern(size)
            let sender = carrier(key(1)) { $0.authorities = authority.file("ca.pem") }
            try await sender.probe(inbox.route)
            let receipt = try await sender.deliver(envelope("a.tza", bytes), along: inbox.route, reporting: .none)
            #expect(receipt.strength == .stored)
            #expect(inbox.workspace.content("a.tza") == bytes)
        }
    }

    @Test func anUnknownAuthorityIsRefused() async throws {
        let authority = try Authority.shared.get()
        try await TestInbox.with(tls: authority.server()) { inbox in
            let error = await #expect(throws: CarrierError.self) { try await carrier().probe(inbox.route) }
            #expect(error?.kind == .refused)
            #expect(error?.action == .waitForPerson)
            #expect(error?.remedy?.contains("--cacert") == true)
        }
    }

    @Test func anotherNameIsRefused() async throws {
        let authority = try Authority.shared.get()
        try await TestInbox.with(tls: authority.server("other")) { inbox in
            let error = await #expect(throws: CarrierError.self) {
                try await carrier { $0.authorities = authority.file("ca.pem") }.probe(inbox.route)
            }
            #expect(error?.kind == .refused)
        }
    }

    @Test func aMissingFileOfAuthoritiesIsMisconfigured() async throws {
        let authority = try Authority.shared.get()
        try await TestInbox.with(tls: authority.server()) { inbox in
            let error = await #expect(throws: CarrierError.self) {
                try await carrier { $0.authorities = authority.file("missing.pem") }.probe(inbox.route)
            }
            #expect(error?.kind == .misconfigured)
        }
    }

    @Test func clientsCanBeAskedForACertificate() async throws {
        let authority = try Authority.shared.get()
        try await TestInbox.with(tls: authority.server(clients: true)) { inbox in
            let sender = carrier {
                $0.authorities = authority.file("ca.pem")
                $0.clientCertificate = authority.file("client.pem")
                $0.clientKey = authority.file("client.key")
            }
            _ = try await sender.deliver(envelope("a.tza", [1]), along: inbox.route, reporting: .none)
            let error = await #expect(throws: CarrierError.self) {
                try await carrier { $0.authorities = authority.file("ca.pem") }.deliver(
                    envelope("b.tza", [1]), along: inbox.route, reporting: .none)
            }
            #expect(error != nil)
            #expect(inbox.workspace.visible() == ["a.tza"])
        }
    }

    @Test func plainHTTPToATLSPortFails() async throws {
        let authority = try Authority.shared.get()
        try await TestInbox.with(tls: authority.server()) { inbox in
            let route = Route(scheme: "http", address: "http://127.0.0.1:\(inbox.address.port)")
            await #expect(throws: CarrierError.self) { try await carrier().probe(route) }
        }
        try await TestInbox.with { inbox in
            let route = Route(scheme: "https", address: "https://127.0.0.1:\(inbox.address.port)")
            let error = await #expect(throws: CarrierError.self) { try await carrier().probe(route) }
            #expect(error?.kind == .unreachable)
        }
    }

    @Test func unusableFilesFailTheStart() async throws {
        let authority = try Authority.shared.get()
        for tls in [
            HTTPListenerTLS(certificateChain: authority.file("none.pem"), privateKey: authority.file("server.key")),
            HTTPListenerTLS(certificateChain: authority.file("server.pem"), privateKey: authority.file("client.key")),
        ] {
            let error = await #expect(throws: HTTPListenerError.self) { _ = try await TestInbox.start(tls: tls) }
            #expect(error?.category == .configuration)
        }
    }
}

@Suite struct ListenerLifeTests {
    @Test func aTakenPortIsSaidSo() async throws {
        try await TestInbox.with { inbox in
            let listener = HTTPListener(
                configuration: HTTPListenerConfiguration(port: inbox.address.port), lane: inbox.lane)
            let error = await #expect(throws: HTTPListenerError.self) { try await listener.start() }
            #expect(error?.category == .unavailable)
            #expect(error?.explanation == "cannot listen on 127.0.0.1:\(inbox.address.port): address already in use")
        }
    }

    @Test(arguments: [
        ("inbox.invalid", "no such host"), ("192.0.2.1", "cannot assign requested address"),
    ])
    func anAddressThatCannotBeHadIsSaidSo(_ host: String, _ reason: String) async throws {
        let workspace = Workspace()
        let listener = HTTPListener(
            configuration: HTTPListenerConfiguration(host: host, port: 1), lane: try Lane(directory: workspace.path))
        let error = await #expect(throws: HTTPListenerError.self) { try await listener.start() }
        #expect(error?.explanation == "cannot listen on \(host):1: \(reason)")
    }

    @Test func reasonsAreInPlainWords() {
        #expect(BindFailure.text(for: .permissionDenied) == "permission denied")
        #expect(BindFailure.text(for: .addressInUse) == "address already in use")
    }

    @Test func arrivalsEndWhenItStops() async throws {
        let inbox = try await TestInbox.start()
        _ = await inbox.post("a.tza", [1])
        await inbox.listener.stop()
        var count = 0
        for await _ in inbox.listener.arrivals { count += 1 }
        #expect(count == 1)
        let error = await #expect(throws: HTTPListenerError.self) { try await inbox.listener.start() }
        #expect(error?.category == .software)
    }

    @Test func stoppingCutsOffWhoIsTooSlow() async throws {
        var limits = TestInbox.quick()
        limits.stopTime = .milliseconds(200)
        let inbox = try await TestInbox.start(limits: limits)
        let port = inbox.address.port
        let (socket, interim) = await blocking { () -> (RawSocket, String) in
            let socket = RawSocket(port: port)
            socket.send("POST /inbox/a.tza HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            return (socket, socket.receiveHead())
        }
        #expect(interim.hasPrefix("HTTP/1.1 100"))
        await inbox.listener.stop()
        #expect(await blocking { socket.isClosedByPeer() })
        #expect(inbox.workspace.visible().isEmpty)
        #expect(inbox.workspace.leftovers.isEmpty)
    }
}
