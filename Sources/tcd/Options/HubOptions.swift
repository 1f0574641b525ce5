internal import ArgumentParser
internal import Fabric
internal import FoundationEssentials
internal import Hub
internal import SystemPackage

/// Where a hub listens, what it keeps, whom it believes and how much it takes. What no flag says, its variable says.
struct HubOptions: ParsableArguments {
    @Option(name: .long, help: "The address to bind. Default: $TIBET_HUB_HOST, or 127.0.0.1.")
    var host: String?

    @Option(name: .long, help: "The port; 0 for one that the system picks. Default: $TIBET_HUB_PORT, or 8000.")
    var port: Int?

    @OptionGroup var place: HubStoreOptions

    @Flag(name: .long, help: "Check nothing: every name is who it says, as at the Python peers' hubs.")
    var open = false

    @Flag(name: .long, help: "Let an open hub listen where other machines can reach it.")
    var openToTheNetwork = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Serve https and HTTP/2 with this certificate chain (PEM). Default: $TIBET_HUB_CERTIFICATE.",
            valueName: "file"))
    var certificate: String?

    @Option(
        name: .long,
        help: ArgumentHelp("The private key of --certificate (PEM). Default: $TIBET_HUB_KEY.", valueName: "file"))
    var key: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A host name, or HOST:PORT, that clients use for this hub: signed requests for others are refused. May be given more than once. Default: $TIBET_HUB_NAMES, else the names of the certificate, and on a loopback address the loopback names.",
            valueName: "host"))
    var name: [String] = []

    @Flag(
        name: .long,
        help: "Accept frames, messages and blobs for names that are not registered.")
    var acceptUnregistered = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "A key that may suspend agents and set tiers, signing as 'admin'; may be given more than once. Default: $TIBET_HUB_ADMIN_KEYS.",
            valueName: "hex"))
    var adminKey: [String] = []

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The largest message before base64; more must be a blob. Default: $TIBET_HUB_LARGEST_MESSAGE, or 1M.",
            valueName: "size"))
    var largestMessage: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The most bytes of registered senders in one mailbox, and of one of them in all mailboxes, blobs included. Default: $TIBET_HUB_AGENT_BYTES, or 10G.",
            valueName: "size"))
    var agentBytes: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "The most bytes that all senders without a registered key may have stored together. Default: $TIBET_HUB_UNPROVEN_BYTES, or 64M.",
            valueName: "size"))
    var unprovenBytes: String?

    @Option(
        name: .long,
        help: ArgumentHelp("How much disk to leave free. Default: $TIBET_HUB_RESERVE, or 256M.", valueName: "size"))
    var reserve: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How many connections may be open at once. Default: $TIBET_HUB_CONNECTIONS, or 20000.", valueName: "n"))
    var connections: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How many requests one proven agent, or one address without, may make in a second; 0 for any number. Default: $TIBET_HUB_RATE, or 1000; with --open any number.",
            valueName: "n"))
    var rate: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How many channels one agent may have open. Default: $TIBET_HUB_CHANNELS, or 32 as the peers' server.",
            valueName: "n"))
    var channels: Int?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "How long what nobody fetches is kept, where no tier says. Default: $TIBET_HUB_RETENTION, or 259200.",
            valueName: "time"))
    var retention: TimeSpan?

    @Flag(
        name: .long, help: "Refuse frames beyond the intents' classes of bandwidth, as the peers' mux server does.")
    var bandwidthClasses = false

    /// The configuration that the flags and variables ask for.
    func configuration() throws -> HubConfiguration {
        var configuration = HubConfiguration(store: try place.location())
        configuration.host = text(host, "TIBET_HUB_HOST") ?? "127.0.0.1"
        configuration.port = try number(port, "--port", "TIBET_HUB_PORT", in: 0...65_535) ?? 8000
        configuration.isOpen = open || isSet("TIBET_HUB_OPEN")
        configuration.isOpenToTheNetwork = openToTheNetwork || isSet("TIBET_HUB_OPEN_TO_THE_NETWORK")
        configuration.acceptsUnregistered = acceptUnregistered || isSet("TIBET_HUB_ACCEPT_UNREGISTERED")
        configuration.enforcesBandwidth = bandwidthClasses || isSet("TIBET_HUB_BANDWIDTH_CLASSES")
        configuration.tls = try tls()
        configuration.names = list(name, "TIBET_HUB_NAMES")
        configuration.administrators = try list(adminKey, "TIBET_HUB_ADMIN_KEYS").map { text in
            guard let key = PublicKey(anySpelling: text) else {
                throw UsageError("--admin-key '\(text)' is no Ed25519 key", remedy: "give its 64 hexadecimal digits")
            }
            return key
        }
        configuration.version = Version.text
        configuration.limits = try limits(isOpen: configuration.isOpen)
        return configuration
    }

    private func limits(isOpen: Bool) throws -> HubLimits {
        var limits = HubLimits()
        if let size = try size(largestMessage, "--largest-message", "TIBET_HUB_LARGEST_MESSAGE") {
            guard (1...(256 << 20)).contains(size) else {
                throw UsageError("--largest-message must be from 1 byte to 256M", remedy: "send more as a blob")
            }
            limits.largestMessage = Int(size)
        }
        limits.mailboxBytes = try size(agentBytes, "--agent-bytes", "TIBET_HUB_AGENT_BYTES") ?? limits.mailboxBytes
        limits.unprovenBytes =
            try size(unprovenBytes, "--unproven-bytes", "TIBET_HUB_UNPROVEN_BYTES") ?? limits.unprovenBytes
        limits.reserve = try size(reserve, "--reserve", "TIBET_HUB_RESERVE") ?? limits.reserve
        limits.connections =
            try number(connections, "--connections", "TIBET_HUB_CONNECTIONS", in: 1...1_000_000) ?? limits.connections
        limits.requestsPerSecond =
            try number(rate, "--rate", "TIBET_HUB_RATE", in: 0...1_000_000) ?? (isOpen ? 0 : limits.requestsPerSecond)
        limits.openChannels =
            try number(channels, "--channels", "TIBET_HUB_CHANNELS", in: 1...1_000_000) ?? limits.openChannels
        limits.retention = try Seconds.duration(
            retention, of: "--retention", variable: "TIBET_HUB_RETENTION", else: 259_200)
        return limits
    }

    private func tls() throws -> HubTLS? {
        switch (text(certificate, "TIBET_HUB_CERTIFICATE"), text(key, "TIBET_HUB_KEY")) {
        case (nil, nil): return nil
        case (let certificate?, let key?):
            return HubTLS(certificateChain: FilePath(certificate), privateKey: FilePath(key))
        default: throw UsageError("--certificate and --key go together")
        }
    }

    // MARK: - Flags and variables

    private func text(_ flag: String?, _ variable: String) -> String? { flag ?? Self.variable(variable) }

    private func list(_ flags: [String], _ variable: String) -> [String] {
        guard flags.isEmpty else { return flags }
        return (Self.variable(variable) ?? "").split { $0 == "," || $0 == " " }.map(String.init)
    }

    private func isSet(_ variable: String) -> Bool { ["1", "true", "yes"].contains(Self.variable(variable) ?? "") }

    private func number(
        _ flag: Int?, _ option: String, _ variable: String, in range: ClosedRange<Int>
    ) throws -> Int? {
        guard let text = flag.map(String.init) ?? Self.variable(variable) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                "\(flag == nil ? variable : option) '\(text)' cannot be",
                remedy: "give a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private func size(_ flag: String?, _ option: String, _ variable: String) throws -> Int64? {
        guard let text = flag ?? Self.variable(variable) else { return nil }
        guard let size = Quantity.parseBytes(text) else {
            throw UsageError(
                "\(flag == nil ? variable : option) '\(text)' is not a size", remedy: "write for example 512M or 10G")
        }
        return size
    }

    static func variable(_ name: String) -> String? {
        ProcessInfo.processInfo.environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Where a hub keeps everything.
struct HubStoreOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The SQLite file, or the postgres:// URL, that everything is kept in. Default: $TIBET_HUB_STORE, or hub.sqlite in the state directory.",
            valueName: "place"))
    var store: String?

    /// The place that the flag, the variable, or nobody names. The state directory is made if it is not there.
    func location() throws -> String {
        if let store = store ?? HubOptions.variable("TIBET_HUB_STORE") { return store }
        let state = try HostDirectories.current().state()
        try? FileManager.default.createDirectory(
            atPath: state.string, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return state.appending("hub.sqlite").string
    }
}
