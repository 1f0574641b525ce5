import Fabric
import Foundation
import HTTPServing
import ProgramRunner
import SystemPackage
import Testing

@testable import Hub

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// For which hub a request is signed, and what a hub says of where it is.
@Suite("Names of a hub")
struct NamesTests {
    @Test("A hub on the network without a name is not started; with one it is")
    func network() async throws {
        let folder = try WorkFolder()
        var configuration = HubConfiguration(store: folder.path("hub.sqlite"))
        configuration.host = "0.0.0.0"
        configuration.port = 0
        let refused = await #expect(throws: HubError.self) { try await HubServer(configuration: configuration).start() }
        #expect(refused == HubError.unnamed("0.0.0.0") && refused?.category == .configuration)
        #expect(refused?.remedy?.contains("--name") == true)
        let program = try await BuiltProgram.run(
            "hub", "--host", "0.0.0.0", "--port", "0", "--store", folder.path("p.sqlite"), in: folder.url)
        #expect(program.status == 78 && program.errors.contains("--name"), "\(program)")
        configuration.names = ["hub.example"]
        let hub = HubServer(configuration: configuration)
        try await hub.start()
        await hub.stop(within: .seconds(1))
    }

    @Test("Names come from the certificate where none is given; wildcards are none")
    func certificate() async throws {
        let folder = try WorkFolder()
        let made = try await Program(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", "/CN=ignored", "-addext", "subjectAltName=DNS:*.wild.example,DNS:Hub.example,IP:192.0.2.7",
                "-keyout", folder.path("key.pem"), "-out", folder.path("cert.pem"),
            ], in: folder.url
        ).outcome()
        try #require(made.status == 0, "\(made)")
        let names = try ServerTLS(
            certificateChain: FilePath(folder.path("cert.pem")), privateKey: FilePath(folder.path("key.pem"))
        ).certificateNames()
        #expect(names == ["Hub.example", "192.0.2.7"])
    }

    @Test(
        "Which authorities are this hub's",
        arguments: [
            (["hub.example"], "0.0.0.0", "HUB.example:8443", true), (["hub.example"], "0.0.0.0", "hub.example", true),
            (["hub.example"], "0.0.0.0", "127.0.0.1:8000", false), (["hub.example"], "0.0.0.0", "", false),
            (["hub.example:8000"], "0.0.0.0", "hub.example:8000", true),
            (["hub.example:8000"], "0.0.0.0", "hub.example:9000", false),
            (["hub.example"], "127.0.0.1", "localhost:8000", true), ([], "127.0.0.1", "127.0.0.1:8000", true),
            ([], "::1", "[::1]:8000", true), ([], "127.0.0.1", "127.0.0.1:9000", false),
            ([], "127.0.0.1", "localhost", false), ([], "127.0.0.1", "evil.example:8000", false),
        ])
    func authorities(names: [String], host: String, authority: String, isOurs: Bool) {
        let hub = HubNames(names, listeningOn: host, isSecure: false)
        #expect(hub.contains(authority, at: 8000) == isOurs)
    }

    @Test("A request that is signed for another hub is refused, and told both names")
    func otherHub() async throws {
        let hub = try await TestHub(isOpen: false)
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        let other = "127.0.0.1:9"
        let headers = bob.headers("GET", "/api/ipoll/pull/bob", [], host: other).merging(["Host": other]) { $1 }
        let answer = try await hub.ask("GET", "/api/ipoll/pull/bob", headers: headers)
        #expect(answer.status == 401)
        #expect(answer.detail?.contains("signed for '127.0.0.1:9', and this hub is '127.0.0.1:\(hub.port)'") == true)
        await hub.stop()
    }

    @Test("TIBET-SIG-V1 is good only for a request with a body")
    func emptyBody() async throws {
        let hub = try await TestHub(isOpen: false)
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        for target in ["/api/ipoll/pull/bob", "/api/ipoll/history/bob"] {
            let value = Authorization(signing: Digest(of: []), with: bob.key).headerValue
            let answer = try await hub.ask("GET", target, headers: ["Authorization": value])
            #expect(answer.status == 401 && answer.detail?.contains("without a body") == true, "\(target)")
        }
        await hub.stop()
    }

    @Test("Routes are made of the hub's names, whatever Host says")
    func routes() async throws {
        let hub = try await TestHub(isOpen: false) { $0.names = ["hub.example"] }
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        let record = try await hub.ask("GET", "/api/ains/resolve/bob", headers: ["Host": "localhost:1"])["record"]
        let place = "http://hub.example:\(hub.port)"
        #expect(record?["routes"]?.text(.compact) == #"["ipoll:\#(place)#bob","mux:\#(place)#bob"]"#)
        #expect(record?["i_poll"]?.text == place + "/api/ipoll" && record?["mux"]?.text == place)
        await hub.stop()
        let unnamed = try await TestHub()
        #expect(try await unnamed.post("/api/ipoll/register", ["agent_id": "bob"]).status == 200)
        let found = try await unnamed.ask("GET", "/api/ains/resolve/bob", headers: ["Host": "localhost:1"])
        #expect(found["record"]?["mux"]?.text == unnamed.url)
        await unnamed.stop()
    }

    @Test("Figures and lists of records are for administrators and this machine; a single name is for everybody")
    func figures() async throws {
        let admin = TestAgent("admin", key: try SigningKey.generate())
        let hub = try await TestHub(isOpen: false) { $0.administrators = [admin.key.publicKey] }
        let bob = try TestAgent("bob")
        try await hub.register(bob)
        let figures = ["/metrics", "/api/hub/status", "/api/ains/list", "/api/ains/search?q=bob"]
        // A proxy on this machine speaks for others.
        let passedOn = ["X-Forwarded-For": "192.0.2.1"]
        for target in figures {
            #expect(try await hub.get(target).status == 200, "\(target)")
            #expect(try await hub.get(target, by: admin).status == 200, "\(target)")
            let stranger = try await hub.ask("GET", target, headers: passedOn)
            #expect(stranger.status == 401 && stranger.code == "unauthorized", "\(target)")
            let agent = try await hub.ask("GET", target, headers: passedOn, by: bob)
            #expect(agent.status == 403 && agent.code == "forbidden", "\(target)")
            #expect(try await hub.ask("GET", target, headers: passedOn, by: admin).status == 200, "\(target)")
        }
        let health = try await hub.ask("GET", "/health", headers: passedOn)
        #expect(health.status == 200 && health.json.text(.compact) == #"{"status":"ok"}"#)
        for target in ["/api/ipoll/status", "/api/mux/status"] {
            let told = try await hub.ask("GET", target, headers: passedOn)
            #expect(told.status == 200 && told["features"] != nil, "\(target)")
            for key in ["agents", "pending_polls", "total_polls", "queue_depth", "channels", "messages_routed"] {
                #expect(told[key] == nil, "\(target) \(key)")
            }
        }
        let found = try await hub.ask("GET", "/api/ains/resolve/bob", headers: passedOn)
        #expect(found["status"]?.text == "found")
        #expect(try await hub.ask("GET", "/openapi.json", headers: passedOn).status == 200)
        await hub.stop()
    }

    @Test("The address of the connection counts, and no header does")
    func addresses() async throws {
        // In a network of its own, where the hub can be reached at an address that is no loopback address.
        let script = """
            set -e
            ip link set lo up
            ip address add 192.0.2.7/32 dev lo
            mkfifo lines
            "$1" hub --json --host 0.0.0.0 --port 0 --name hub.example --store hub.sqlite > lines &
            exec 3< lines
            read -r line <&3
            port=$(printf '%s' "$line" | sed -E 's/.*"port":([0-9]+).*/\\1/')
            for address in 192.0.2.7 127.0.0.1; do
                curl -s -o answer -w '%{http_code}\\n' -H "Host: 127.0.0.1:$port" "http://$address:$port/api/hub/status"
            done
            kill %1
            """
        let folder = try WorkFolder()
        let own = getuid() == 0 ? ["--net"] : ["--user", "--map-root-user", "--net"]
        let outcome = try await Program(
            "unshare", own + ["bash", "-c", script, "bash", try BuiltProgram.path()], in: folder.url,
            environment: ["HOME": folder.url.path]
        ).outcome(within: .seconds(60))
        #expect(outcome.output == "401\n200\n", "\(outcome)")
    }
}
