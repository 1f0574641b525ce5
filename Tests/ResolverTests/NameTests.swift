import Fabric
import Resolver
import Testing

@Suite("Names")
struct NameTests {
    @Test(
        "A name is read, and written as it was",
        arguments: [
            "jis:acme:ci@build.example", "jis:a:b@192.0.2.7", "jis:a:b@[2001:db8::1]", "jis:a:b@bob.aint",
            "jis:a-b_c.d:0.9@x", "jis:a:b@host.example:8443", "jis:a:b@[::1]:22", "jis:a:b@root_idd.aint",
            "jis:a:b@storm.sub.aint",
        ])
    func read(text: String) throws {
        #expect(try JISName(parsing: text).description == text)
    }

    @Test("The parts are what they should be")
    func parts() throws {
        let name = try JISName(parsing: "jis:acme:ci.main@Build.Example:2222")
        #expect(name.organisation == "acme")
        #expect(name.service == "ci.main")
        #expect(name.host == .dns("build.example"))
        #expect(name.port == 2222)
        #expect(try JISName(parsing: "jis:a:b@[2001:DB8:0::0:1]").host == .ipv6("2001:db8::1"))
        #expect(try JISName(parsing: "jis:a:b@Bob.AINT").host.lookupName == "bob")
        #expect(try JISName(parsing: "jis:a:b@[::1]").host.lookupName == "::1")
        #expect(try JISName(parsing: "jis:a:b@h").port == nil)
    }

    @Test(
        "What is no name is refused, with the cause and the next step",
        arguments: [
            ("", NameError.Fault.noDID), ("acme:ci@h", .noDID), ("JIS:a:b@h", .noDID), ("jis:a:b", .noHost),
            ("jis:a:b@", .emptyHost), ("jis:a:b@:80", .emptyHost), ("jis:@h", .badPart), ("jis:a@h", .badPart),
            ("jis:a:b:c@h", .badPart), ("jis::b@h", .badPart), ("jis:a:@h", .badPart), ("jis:A:b@h", .badPart),
            ("jis:a b:c@h", .badPart), ("jis:a:b@x@h", .badPart),
            ("jis:\(String(repeating: "a", count: 65)):b@h", .badPart),
            ("jis:a:b@-h", .badHost), ("jis:a:b@h-", .badHost), ("jis:a:b@a..b", .badHost), ("jis:a:b@h.", .badHost),
            ("jis:a:b@1.2.3", .badHost), ("jis:a:b@1.2.3.999", .badHost), ("jis:a:b@::1", .badHost),
            ("jis:a:b@[::1", .badHost), ("jis:a:b@[fe80::1%eth0]", .badHost), ("jis:a:b@[1.2.3.4]", .badHost),
            ("jis:a:b@h/x", .badHost), ("jis:a:b@h_x", .badHost), ("jis:a:b@.aint", .badHost),
            ("jis:a:b@ä.example", .badHost),
            ("jis:a:b@h;rm", .badHost), ("jis:a:b@h:", .badPort), ("jis:a:b@h:0", .badPort),
            ("jis:a:b@h:65536", .badPort),
            ("jis:a:b@h:080", .badPort), ("jis:a:b@h:1:2", .badHost), ("jis:a:b@h\n", .badHost),
            ("jis:a:b@\(String(repeating: "a", count: 64)).example", .badHost),
        ])
    func refused(text: String, fault: NameError.Fault) {
        let error = #expect(throws: NameError.self) { try JISName(parsing: text) }
        #expect(error?.fault == fault)
        #expect(error?.category == .usage)
        #expect(error?.remedy?.isEmpty == false)
        #expect(error?.description.contains("\n") == false)
    }

    @Test("A claim in a header is read as laxly as the peers read it")
    func claims() {
        #expect(ClaimedName(parsing: "jis:x@h")?.host == "h")
        #expect(ClaimedName(parsing: "jis:@h")?.host == "h")
        #expect(ClaimedName(parsing: "jis:a:b@c@Host:1")?.host == "Host:1")
        #expect(ClaimedName(parsing: "jis:a:b@") == nil)
        #expect(ClaimedName(parsing: "jis:a:b") == nil)
        #expect(ClaimedName(parsing: "JIS:a:b@h") == nil)
        #expect(ClaimedName(parsing: "jis:a:b@h\r\nX: y") == nil)
    }
}

@Suite("Targets")
struct TargetTests {
    static let builtIn: Set<String> = ["http", "https", "local", "scp", "mux", "ipoll"]

    private func form(_ text: String, _ transport: String? = nil) throws -> TargetForm {
        try TargetForm(parsing: text, transport: transport, builtIn: Self.builtIn)
    }

    @Test(
        "What a text means",
        arguments: [
            ("http://h:1", nil, "http", "http://h:1"), ("HTTPS://h/p", nil, "https", "HTTPS://h/p"),
            ("scp://u@h:22/p", nil, "scp", "scp://u@h:22/p"), ("h:p", nil, "scp", "h:p"),
            ("u@h:/var/in box", nil, "scp", "u@h:/var/in box"), ("u@[::1]:/p", nil, "scp", "u@[::1]:/p"),
            ("[::1]:p", nil, "scp", "[::1]:p"), ("./h:p", nil, "local", "./h:p"), ("/a/b", nil, "local", "/a/b"),
            ("a/b", nil, "local", "a/b"), (".", nil, "local", "."), ("..", nil, "local", ".."),
            ("h:8443", "http", "http", "http://h:8443"), ("h:8443", "https", "https", "https://h:8443"),
            ("https://h", "http", "https", "https://h"), ("inbox", "local", "local", "inbox"),
            ("http://hub#bob", "mux", "mux", "http://hub#bob"),
            ("anything at:all", "rclone", "rclone", "anything at:all"),
            ("bob", "rclone", "rclone", "bob"),
        ] as [(String, String?, String, String)])
    func ways(text: String, transport: String?, scheme: String, address: String) throws {
        #expect(try form(text, transport) == .route(Route(scheme: scheme, address: address)))
    }

    @Test("Names are names, whichever transport is insisted on")
    func names() throws {
        let name = try JISName(parsing: "jis:a:b@h.example")
        for transport in [nil, "http", "scp", "mux", "rclone"] {
            #expect(try form("jis:a:b@h.example", transport) == .name(name))
        }
        #expect(try form("Bob.AINT") == .alias("bob.aint"))
        #expect(try form("build") == .alias("build"))
        #expect(try form("bob", "mux") == .alias("bob"))
        #expect(try form("bob.aint", "rclone") == .alias("bob.aint"))
        #expect(try form("bob").host == .aint("bob"))
        #expect(try form("host.example").host == .dns("host.example"))
    }

    @Test(
        "What is no target is refused",
        arguments: [
            ("", nil), ("a\nb:c", nil), ("ftp://h/", nil), ("http://", nil), ("http:/h", nil), ("http://u:p@h", nil),
            ("http://h/a b", nil), ("-oProxyCommand=x:p", nil), ("u@-oProxyCommand=x:p", nil), ("-u@h:p", nil),
            (":p", nil), ("h:", nil), ("@h:p", nil), ("scp://-x/p", nil), ("scp://u@-x/p", nil), ("a b", nil),
            ("-rf", nil), ("jis:a:b", nil), ("ftp://h", "http"), ("http://h", "https"), ("dir/", "http"), ("/p", "scp"),
            ("h|x:p", nil), ("$(x):p", nil), ("h;x:p", nil), (String(repeating: "a", count: 5000), nil),
        ] as [(String, String?)])
    func refused(text: String, transport: String?) {
        let error = #expect(throws: NameError.self) { try form(text, transport) }
        #expect(error?.explanation.contains("\n") == false)
        #expect((error?.explanation.utf8.count ?? 0) < 600)
    }
}
