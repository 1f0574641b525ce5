internal import Fabric
internal import FoundationEssentials
internal import SystemPackage

/// What of the options of 'send' is kept with a delivery, so that whoever tries it again later goes about it in the same
/// way: by the option's name, with its values. Paths are kept from the root on. What is in the files is not kept, and
/// neither is anything secret.
extension DispatchOptions {
    /// The options that were given here.
    var kept: [String: [String]] {
        let (http, scp, connection) = (carriers.http, carriers.scp, carriers.connection)
        var kept: [String: [String]] = [:]
        func keep(_ name: String, _ values: [String]) { kept[name] = values.isEmpty ? nil : values }
        func keep(_ name: String, _ value: String?) { keep(name, value.map { [$0] } ?? []) }
        func keep(_ name: String, _ flag: Bool) { keep(name, flag ? ["yes"] : []) }
        keep("identity", identity.identity.map(Self.fromRoot))
        keep("aint", identity.aint)
        keep("routes", resolver.routes.map(Self.fromRoot))
        // One that holds a password is refused as an address.
        keep("ains-url", resolver.ainsURL)
        keep("strict-routes", resolver.strictRoutes)
        keep("no-http-auth", http.noHttpAuth)
        keep("no-sender-did", http.noSenderDid)
        keep("cacert", connection.authorities.map(Self.fromRoot))
        keep("cert", connection.clientCertificate.map(Self.fromRoot))
        keep("key", connection.clientKey.map(Self.fromRoot))
        keep("connect-timeout", connection.connectTimeout.map { "\($0)" })
        keep("stall-timeout", connection.stallTimeout.map { "\($0)" })
        keep("ssh-identity", scp.identities.map(Self.fromRoot))
        // For ssh 'none' is no file, but that none is to be read.
        keep("ssh-config", scp.configurationFile.map { $0 == "none" ? $0 : Self.fromRoot($0) })
        keep("accept-new-host-key", scp.acceptNewHostKey)
        keep("mux-server", resolver.mux.server)
        keep("mux-target", resolver.mux.target)
        keep("mux-agent", carriers.mux.agent ?? Self.variable("TIBET_MUX_AGENT"))
        keep("mux-intent", carriers.mux.intent)
        keep("mux-keep-open", carriers.mux.keepOpen)
        keep("ipoll-server", resolver.ipollServer)
        keep("ipoll-agent", carriers.ipoll.agent)
        keep("ipoll-session", (carriers.session.session ?? Self.variable("TIBET_IPOLL_SESSION")).map(Self.fromRoot))
        keep("limit-rate", carriers.limitRate)
        return kept
    }

    /// These options, and from `kept` what was not given here.
    ///
    /// - Parameter transports: The transports, of `mux` and `ipoll`, whose server and mailbox stay as they were kept.
    func filled(from kept: [String: [String]], exceptMailboxes transports: Set<String>) -> DispatchOptions {
        var options = self
        if transports.contains("mux") { (options.resolver.mux.server, options.resolver.mux.target) = (nil, nil) }
        if transports.contains("ipoll") { options.resolver.ipollServer = nil }
        func one(_ name: String) -> String? { kept[name]?.first }
        options.identity.identity = identity.identity ?? one("identity")
        options.identity.aint = identity.aint ?? one("aint")
        options.resolver.routes = resolver.routes ?? one("routes")
        options.resolver.ainsURL = resolver.ainsURL ?? one("ains-url")
        options.resolver.strictRoutes = resolver.strictRoutes || kept["strict-routes"] != nil
        var (http, scp, connection) = (carriers.http, carriers.scp, carriers.connection)
        http.noHttpAuth = http.noHttpAuth || kept["no-http-auth"] != nil
        http.noSenderDid = http.noSenderDid || kept["no-sender-did"] != nil
        connection.authorities = connection.authorities ?? one("cacert")
        // One without the other would be of no use.
        if connection.clientCertificate == nil, connection.clientKey == nil {
            (connection.clientCertificate, connection.clientKey) = (one("cert"), one("key"))
        }
        connection.connectTimeout = connection.connectTimeout ?? one("connect-timeout").flatMap { TimeSpan($0) }
        connection.stallTimeout = connection.stallTimeout ?? one("stall-timeout").flatMap { TimeSpan($0) }
        if scp.identities.isEmpty { scp.identities = kept["ssh-identity"] ?? [] }
        scp.configurationFile = scp.configurationFile ?? one("ssh-config")
        scp.acceptNewHostKey = scp.acceptNewHostKey || kept["accept-new-host-key"] != nil
        (options.carriers.http, options.carriers.scp, options.carriers.connection) = (http, scp, connection)
        options.fillHubs(from: one)
        options.carriers.limitRate = carriers.limitRate ?? one("limit-rate")
        return options
    }

    /// What belongs to servers that keep things for others.
    private mutating func fillHubs(from one: (String) -> String?) {
        resolver.mux.server = resolver.mux.server ?? one("mux-server")
        resolver.mux.target = resolver.mux.target ?? one("mux-target")
        carriers.mux.agent = carriers.mux.agent ?? one("mux-agent")
        carriers.mux.intent = carriers.mux.intent ?? one("mux-intent")
        carriers.mux.keepOpen = carriers.mux.keepOpen || one("mux-keep-open") != nil
        resolver.ipollServer = resolver.ipollServer ?? one("ipoll-server")
        carriers.ipoll.agent = carriers.ipoll.agent ?? one("ipoll-agent")
        carriers.session.session = carriers.session.session ?? one("ipoll-session")
    }

    private static func variable(_ name: String) -> String? {
        Composition.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A path from the root on, because others use it again from elsewhere.
    static func fromRoot(_ text: String) -> String {
        let path = FilePath(text)
        guard !path.isAbsolute else { return text }
        return FilePath(FileManager.default.currentDirectoryPath).pushing(path).lexicallyNormalized().string
    }
}
