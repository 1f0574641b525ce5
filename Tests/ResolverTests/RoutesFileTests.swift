import Fabric
import SystemPackage
import Testing

@testable import Resolver

@Suite("Files of routes")
struct RoutesFileTests {
    static let key = Hex.encode([UInt8](repeating: 7, count: 32))
    static let sample = """
        # Ours.
        [targets."jis:acme:ci@build.example"]
        routes = ["scp://tibet@build.example:2222/inbox", { transport = "rclone", address = "shared:in" }]
        key = "ed25519:\(key)"
        trust = 0.9
        aliases = ["build", "ci.acme"]

        [targets."build.example"]
        routes = ["https://build.example:8443"]
        trust = 1

        [targets."*.example"]
        routes = ["http://{host}:8443/{org}/{service}", "deploy@{host}:/var/in"]

        [targets."*.deep.example"]
        routes = ["http://deep:1"]

        [targets."bob.aint"]
        routes = ["/srv/inbox"]

        [targets."*"]
        trust = 0.25
        """

    private func parse(_ text: String) throws -> RoutesFile {
        try RoutesFile(parsing: text, path: "routes.toml")
    }

    private func form(_ text: String) throws -> TargetForm { try TargetForm(parsing: text, builtIn: ["http"]) }

    @Test(
        "The entry that fits best answers",
        arguments: [
            ("jis:acme:ci@build.example", "jis:acme:ci@build.example"), ("build", "jis:acme:ci@build.example"),
            ("ci.acme", "jis:acme:ci@build.example"), ("jis:acme:cd@build.example", "build.example"),
            ("jis:acme:ci@build.example:1", "build.example"), ("jis:a:b@x.example", "*.example"),
            ("jis:a:b@x.deep.example", "*.deep.example"), ("jis:a:b@deep.example", "*.example"),
            ("jis:a:b@bob.aint", "bob.aint"), ("bob", "bob.aint"), ("bob.aint", "bob.aint"), ("jis:a:b@example", "*"),
            ("jis:a:b@xexample", "*"), ("carol", "*"),
        ])
    func fits(text: String, title: String) throws {
        #expect(try parse(Self.sample).entry(for: form(text))?.title == title)
    }

    @Test("An entry says routes, key and trust")
    func content() throws {
        let form = try form("build")
        let entry = try #require(try parse(Self.sample).entry(for: form))
        #expect(entry.key?.hex == Self.key)
        #expect(entry.trust == 0.9)
        #expect(
            try entry.routes.map { try $0.route(for: form) } == [
                Route(scheme: "scp", address: "scp://tibet@build.example:2222/inbox"),
                Route(scheme: "rclone", address: "shared:in"),
            ])
        #expect(try parse(Self.sample).entry(for: self.form("jis:a:b@build.example"))?.trust == 1)
    }

    @Test("What stands in braces is filled in from the name")
    func templates() throws {
        let form = try form("jis:acme:ci@one.example")
        let entry = try #require(try parse(Self.sample).entry(for: form))
        #expect(
            try entry.routes.map { try $0.route(for: form).address } == [
                "http://one.example:8443/acme/ci", "deploy@one.example:/var/in",
            ])
        let short = try self.form("one.example")
        #expect(throws: NameError.self) { try entry.routes[0].route(for: short) }
        #expect(try entry.routes[1].route(for: short).address == "deploy@one.example:/var/in")
    }

    @Test(
        "A mistake is told with its line",
        arguments: [
            ("[targets.a]\nroutes = [", 2, "rror"), ("[target.a]\n", 1, "'target'"),
            ("\n[targets.\"h.example\"]\nroutes = []\nroute = []\n", 4, "'route'"),
            ("\r\n[targets.\"h.example\"]\r\nroutes = []\r\nroute = []\r\n", 4, "'route'"),
            ("[targets.\"h.example\"]\nroutes = \"http://h\"", 2, "no list"),
            ("[targets.\"h.example\"]\n\nroutes = [1]", 3, "text"),
            ("[targets.\"h.example\"]\nroutes = [\"ftp://h\"]", 2, "ftp"),
            ("[targets.\"h.example\"]\nroutes = [{ transport = \"http\" }]", 2, "address"),
            ("[targets.\"h.example\"]\nroutes = [{ transport = \"a/b\", address = \"x\" }]", 2, "transport"),
            ("[targets.\"h.example\"]\nroutes = [{ transport = \"x\", address = \"y\", z = 1 }]", 2, "'z'"),
            ("[targets.\"h.example\"]\nroutes = [\"-oProxyCommand=x:y\"]", 2, "host"),
            ("[targets.\"h.example\"]\nkey = \"ed25519:AAAA\"", 2, "'key'"),
            ("[targets.\"h.example\"]\ntrust = 1.5", 2, "'trust'"),
            ("[targets.\"h.example\"]\ntrust = nan", 2, "'trust'"),
            ("[targets.\"h.example\"]\naliases = [\"A b\"]", 2, "alias"),
            ("[targets.\"a.b\"]\naliases = [\"x\"]\n[targets.\"c.d\"]\naliases = [\"x\"]\n", 4, "already"),
            ("[targets.\"jis:a@h\"]\n", 1, "organisation"), ("[targets.\"h..x\"]\n", 1, "host"),
            ("targets = 1", 1, "no table"), ("\u{0}", nil, "NUL"),
            ("[targets.\"h.example\"]\nroutes = []\nroutes = []", 3, "rout"),
        ] as [(String, Int?, String)])
    func mistakes(text: String, line: Int?, words: String) {
        let error = #expect(throws: RoutesFileError.self) { try parse(text) }
        #expect(error?.line == line, "\(error?.description ?? "")")
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
        #expect(error?.category == .configuration)
    }

    @Test("An empty file says nothing")
    func empty() throws {
        #expect(try parse("").entries.isEmpty)
        #expect(try parse("[targets]\n").entries.isEmpty)
    }

    @Test("A file that changed is read again, and one that is named must be there")
    func changes() throws {
        let scratch = try Scratch()
        let path = scratch.path.appending("routes.toml")
        let directory = StaticDirectory(places: [.init(path, isRequired: false)])
        let form = try form("jis:a:b@h.example")
        #expect(try directory.look(form).finding == nil)
        #expect(try directory.look(form).asked.isEmpty)
        _ = try scratch.write("[targets.\"h.example\"]\ntrust = 1\n", to: "routes.toml")
        #expect(try directory.look(form).finding?.entry.trust == 1)
        _ = try scratch.write("[targets.\"h.example\"]\ntrust = 0.5 # less\n", to: "routes.toml")
        #expect(try directory.look(form).finding?.entry.trust == 0.5)
        _ = try scratch.write("nonsense", to: "routes.toml")
        #expect(throws: RoutesFileError.self) { try directory.look(form) }
        let named = StaticDirectory(places: [.init(scratch.path.appending("none.toml"), isRequired: true)])
        #expect(throws: RoutesFileError.self) { try named.look(form) }
    }

    @Test("Where files are looked for")
    func places() {
        func paths(_ environment: [String: String]) -> [String] {
            ResolverConfiguration(environment: environment, state: "s", carriers: KnownCarriers(builtIn: []))
                .routes.map { $0.path.string + ($0.isRequired ? "!" : "") }
        }
        #expect(paths(["HOME": "/h"]) == ["/h/.config/tibet/routes.toml", "/etc/tibet/routes.toml"])
        #expect(
            paths(["HOME": "/h", "XDG_CONFIG_HOME": "/c"]) == ["/c/tibet/routes.toml", "/etc/tibet/routes.toml"])
        #expect(paths(["XDG_CONFIG_HOME": "relative"]) == ["/etc/tibet/routes.toml"])
        #expect(paths(["TIBET_ROUTES": "/r.toml", "HOME": "/h"]) == ["/r.toml!"])
        #expect(paths(["TIBET_ROUTES": ""]) == ["/etc/tibet/routes.toml"])
    }

    @Test("The peers' variables are read as the peers read them")
    func environment() {
        var configuration = ResolverConfiguration(
            environment: [
                "TIBET_AINS_API_URL": "http://h/api/ains/resolve", "TIBET_AINS_SSH_USER": "tibet",
                "TIBET_AINS_DEFAULT_INBOX": "/in", "TIBET_HTTP_PORT": "9000", "TIBET_MUX_SERVER": "http://m:1/",
                "IPOLL_API_URL": "http://i:1/",
                "TIBET_AINS_API_TIMEOUT": "1.5",
            ], state: "s", carriers: KnownCarriers(builtIn: []))
        #expect(configuration.ainsURL == "http://h/api/ains/resolve")
        #expect(configuration.ainsTime == .seconds(1.5))
        #expect(configuration.convention.sshUser == "tibet")
        #expect(configuration.convention.inbox == "/in")
        #expect(configuration.convention.httpPort == 9000)
        #expect(configuration.convention.muxServer == "http://m:1")
        #expect(configuration.convention.ipollServer == "http://i:1")
        configuration = ResolverConfiguration(
            environment: ["TIBET_HTTP_PORT": "many", "TIBET_AINS_API_TIMEOUT": "-1"], state: "s",
            carriers: KnownCarriers(builtIn: []))
        #expect(configuration.ainsURL == nil)
        #expect(configuration.ainsTime == .seconds(3))
        #expect(configuration.convention == Convention())
    }
}
